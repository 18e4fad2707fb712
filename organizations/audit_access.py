"""Who may read what of the audit log.

Superusers read all. Owners of an organization read what happened to its things and to its members. Everybody reads what
happened to their own account and things. What project administrators read of their project is decided with the project.
Where somebody came from is told to superusers, to owners of an organization that the row concerns, and to themself.
"""

from django.db.models import QuerySet

from accounts.models import User
from audit import selectors
from audit.models import AuditEvent
from audit.representation import ShowsSource
from organizations.access import Capability, Role, memberships_of, require_in
from organizations.models import Organization


def events_for(user: User) -> QuerySet[AuditEvent]:
    """Everything that the user may read without naming a project."""
    if user.is_superuser:
        return selectors.all_events()
    return selectors.concerning([user.pk, *_owned(user)])


def own_events(user: User) -> QuerySet[AuditEvent]:
    """What happened to the user's account and to what they own themselves."""
    return selectors.concerning([user.pk])


def events_of_organization(user: User, organization: Organization) -> QuerySet[AuditEvent]:
    """Raises `Forbidden` for whoever does not own it."""
    require_in(user, Capability.ADMINISTER, organization)
    return selectors.concerning([organization.pk])


def source_rule(user: User) -> ShowsSource:
    """For which rows the user is told the address, the program and the token of whoever acted."""
    owned = frozenset(_owned(user))

    def shows_source(event: AuditEvent) -> bool:
        return user.is_superuser or event.actor_id == user.pk or not owned.isdisjoint(event.owner_ids)

    return shows_source


def _owned(user: User) -> list[int]:
    owned = memberships_of(user).filter(role=Role.OWNER)
    return list(owned.values_list("organization_id", flat=True))
