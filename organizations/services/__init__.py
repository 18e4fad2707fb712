"""Writes of organizations: the organizations themselves, who belongs to them, teams and invitations.

Superusers and owners of the organization decide. Each function locks the organization's row before it asks for rights and
counts owners, so that two changes at once follow one another.
"""

from organizations.services.invitations import (
    accept,
    accept_waiting,
    cancel_invitation,
    invite,
    resend_invitation,
)
from organizations.services.members import add_member, change_role, leave, member_removed, remove_member
from organizations.services.organizations import (
    change_settings,
    create_organization,
    delete_organization,
    may_create_organizations,
    settings_checks,
)
from organizations.services.teams import (
    add_team_member,
    change_team_member,
    create_team,
    delete_team,
    remove_team_member,
    rename_team,
)

__all__ = [
    "accept",
    "accept_waiting",
    "add_member",
    "add_team_member",
    "cancel_invitation",
    "change_role",
    "change_settings",
    "change_team_member",
    "create_organization",
    "create_team",
    "delete_organization",
    "delete_team",
    "invite",
    "leave",
    "may_create_organizations",
    "member_removed",
    "remove_member",
    "remove_team_member",
    "rename_team",
    "resend_invitation",
    "settings_checks",
]
