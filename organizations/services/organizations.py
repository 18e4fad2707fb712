"""Creating and deleting organizations, and their settings."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.errors import NameRefused, NotSuperuser
from accounts.models import Owner, User
from accounts.names import checked_owner_name
from accounts.selectors import has_2fa
from audit.services import record, record_change, snapshot
from common.errors import Fault, FieldsRefused
from organizations import access_changes
from organizations.errors import SecondFactorMissing, StillOwns
from organizations.models import Organization, OrganizationMembership
from organizations.selectors import without_second_factor
from organizations.services.rights import hold_and_require

SETTINGS = frozenset(
    {
        "require_2fa", "max_token_lifetime_days", "forbid_personal_projects", "forbid_public_stores",
        "auto_accept_invitations", "default_debug_port", "default_environment_slug", "default_store_id",
    }
)  # fmt: skip
LONGEST_TOKEN_LIFETIME_DAYS = 3650

settings_checks: list[Callable[[Organization, dict[str, Any]], None]] = []
"""Higher apps append a function that is given the organization and the changed settings (`default_environment_slug`,
`default_store_id`) before they are saved, and raises a `DomainError` for one that cannot be."""


def create_organization(*, actor: User, name: str, first_owner: User | None = None) -> Organization:
    """A new organization, whose first owner is `first_owner` (a superuser may name one) or else the actor.

    Raises `NameRefused`, or `NotSuperuser` where ORGANIZATION_CREATION says so.
    """
    for_another = first_owner not in (None, actor)
    if not may_create_organizations(actor) or (for_another and not actor.is_superuser):
        raise NotSuperuser
    name = checked_owner_name(name)
    try:
        with transaction.atomic():
            owner = Owner.objects.create(name=name, kind=Owner.Kind.ORGANIZATION)
            organization = Organization.objects.create(owner=owner)
            first = OrganizationMembership.objects.create(
                organization=organization, user=first_owner or actor, role=OrganizationMembership.Role.OWNER
            )
            record("organization.created", actor=actor, target=organization, after={"name": name})
            record("member.added", actor=actor, target=first, after={"role": first.role})
    except IntegrityError as error:
        message = f"A user or organization called '{name}' exists already. Choose another name."
        raise NameRefused(message, code="unique") from error
    return organization


def may_create_organizations(user: User) -> bool:
    return user.is_superuser or settings.ORGANIZATION_CREATION == "everyone"


@transaction.atomic
def change_settings(*, organization: Organization, actor: User, **changes: Any) -> Organization:
    """Change some of `SETTINGS`. Raises `FieldsRefused` or what `settings_checks` raise."""
    hold_and_require(actor, organization)
    unknown = set(changes) - SETTINGS
    if unknown:
        raise TypeError(f"Not settings: {', '.join(sorted(unknown))}")
    changed = Organization.objects.select_related("owner").get(pk=organization.pk)
    before = snapshot(changed, SETTINGS)
    for name, value in changes.items():
        setattr(changed, name, value)
    _check(changed, changes)
    if changed.auto_accept_invitations and not before["auto_accept_invitations"]:
        _require_automatic_acceptance(actor)
    if changed.require_2fa and not before["require_2fa"]:
        _require_second_factor_of(actor, changed)
        access_changes.announce(without_second_factor(changed))
    changed.save(update_fields=list(changes))
    record_change(
        "organization.settings_changed",
        actor=actor,
        target=changed,
        before=before,
        after=snapshot(changed, SETTINGS),
    )
    return changed


@transaction.atomic
def delete_organization(*, organization: Organization, actor: User) -> None:
    """With its teams, invitations and variables. Raises `StillOwns` while anything else belongs to it."""
    hold_and_require(actor, organization)
    # The strongest lock: whoever gives something to this owner at the same moment waits, and then finds it gone.
    owner = Owner.objects.select_for_update().get(pk=organization.pk)
    members = list(organization.memberships.values_list("user_id", flat=True))
    record("organization.deleted", actor=actor, target=organization, before={"name": owner.name})
    try:
        with transaction.atomic():
            organization.delete()
            owner.delete()
    except ProtectedError as error:
        raise StillOwns(owner, error.protected_objects, "delete the organization") from error
    access_changes.announce(members)


def _check(organization: Organization, changes: dict[str, Any]) -> None:
    days = organization.max_token_lifetime_days
    if "max_token_lifetime_days" in changes and days is not None and days > LONGEST_TOKEN_LIFETIME_DAYS:
        fault = Fault(f"Use 1 to {LONGEST_TOKEN_LIFETIME_DAYS} days, or nothing for no limit.")
        raise FieldsRefused({"max_token_lifetime_days": [fault]})
    others = {field.name for field in Organization._meta.fields} - set(changes)
    try:
        organization.clean_fields(exclude=others)
    except ValidationError as error:
        faults = {name: [Fault(text) for text in texts] for name, texts in error.message_dict.items()}
        raise FieldsRefused(faults) from error
    for check in settings_checks:
        check(organization, changes)


def _require_automatic_acceptance(actor: User) -> None:
    """It tells an owner who has an account: the operator may leave it to superusers (docs/decisions/0112)."""
    if settings.AUTOMATIC_ACCEPTANCE == "superusers" and not actor.is_superuser:
        fault = Fault(
            "Only a superuser of this installation may switch this on. Ask one of them.", "forbidden"
        )
        raise FieldsRefused({"auto_accept_invitations": [fault]})


def _require_second_factor_of(actor: User, organization: Organization) -> None:
    """An owner does not shut the door behind themself."""
    belongs = organization.memberships.filter(user=actor).exists()
    if belongs and not has_2fa(actor):
        raise SecondFactorMissing
