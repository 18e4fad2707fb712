"""Writes of projects. Every function takes keywords and the actor, and refuses what the actor may not do."""

from projects.services.collaborators import (
    add_collaborator,
    change_collaborator,
    remove_collaborator,
)
from projects.services.groups import (
    create_group,
    delete_group,
    delete_group_variable,
    set_group_variable,
    update_group,
)
from projects.services.invitations import (
    accept_invitation,
    cancel_invitation,
    invite_collaborator,
    resend_invitation,
)
from projects.services.organization_variables import delete_organization_variable, set_organization_variable
from projects.services.ownership import effects_of_transfer, transfer_project
from projects.services.packages import import_package
from projects.services.projects import create_project, delete_project, next_counter, update_project
from projects.services.repositories import (
    fetch_repository,
    forget_known_hosts,
    generate_deploy_key,
    set_repository,
    start_fetch,
)
from projects.services.variables import delete_variable, set_variable

__all__ = [
    "accept_invitation",
    "add_collaborator",
    "cancel_invitation",
    "change_collaborator",
    "create_group",
    "create_project",
    "delete_group",
    "delete_group_variable",
    "delete_organization_variable",
    "delete_project",
    "delete_variable",
    "effects_of_transfer",
    "fetch_repository",
    "forget_known_hosts",
    "generate_deploy_key",
    "import_package",
    "invite_collaborator",
    "next_counter",
    "remove_collaborator",
    "resend_invitation",
    "set_group_variable",
    "set_organization_variable",
    "set_repository",
    "set_variable",
    "start_fetch",
    "transfer_project",
    "update_group",
    "update_project",
]
