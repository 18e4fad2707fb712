"""Registry credentials of an organization. Secrets go in and never come out."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Owner, User
from audit.services import record, record_change, snapshot
from common.configuration import Configuration, checked
from environments import registries
from environments.access import administers
from environments.errors import OwnerRefused, PatternRefused, RegistryNotChangeable
from environments.models import RegistryCredentials

_SHOWN = ("kind", "image_pattern", "configuration", "secrets")


@transaction.atomic
def create_registry(
    *, actor: User, owner: Owner, kind: str, image_pattern: str, configuration: Mapping[str, Any]
) -> RegistryCredentials:
    """Raises `OwnerRefused`, `PatternRefused`, or `FieldsRefused` for the configuration."""
    if owner.kind != Owner.Kind.ORGANIZATION or not administers(actor, owner):
        raise OwnerRefused(owner)
    made = checked(registries.KEYS[kind], configuration)
    row = RegistryCredentials(owner=owner, kind=kind, image_pattern=_checked_pattern(image_pattern))
    _save(row, made)
    record("registry_credentials.created", actor=actor, target=row, after=snapshot(row, _SHOWN))
    return row


@transaction.atomic
def update_registry(
    *,
    registry: RegistryCredentials,
    actor: User,
    kind: str | None = None,
    image_pattern: str | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> RegistryCredentials:
    """What is None stays. A new configuration replaces the old one, but a secret that it leaves out is kept, as long as it
    goes to the same host."""
    row = RegistryCredentials.objects.select_for_update().select_related("owner").get(pk=registry.pk)
    require_management(actor, row.owner)
    before = snapshot(row, _SHOWN)
    old_host = registries.host_of(row.image_pattern)
    stored = Configuration.stored(row.configuration, row.secrets)
    if kind is not None and kind != row.kind:
        row.kind, stored = kind, Configuration()
    if image_pattern is not None:
        row.image_pattern = _checked_pattern(image_pattern)
    given = stored.public if configuration is None else configuration
    moved = registries.host_of(row.image_pattern) != old_host
    _save(row, checked(registries.KEYS[row.kind], given, stored=stored, moved=moved))
    record_change(
        "registry_credentials.changed", actor=actor, target=row, before=before, after=snapshot(row, _SHOWN)
    )
    return row


@transaction.atomic
def delete_registry(*, registry: RegistryCredentials, actor: User) -> None:
    require_management(actor, registry.owner)
    record("registry_credentials.deleted", actor=actor, target=registry, before=snapshot(registry, _SHOWN))
    RegistryCredentials.objects.filter(pk=registry.pk).delete()


def require_management(actor: User, owner: Owner) -> None:
    """Raise `RegistryNotChangeable` unless `actor` owns the organization."""
    if not administers(actor, owner):
        raise RegistryNotChangeable(owner)


def _checked_pattern(pattern: str) -> str:
    pattern = pattern.strip()
    fault = registries.fault_in(pattern)
    if fault is not None:
        raise PatternRefused(fault)
    return pattern


def _save(row: RegistryCredentials, made: Configuration) -> None:
    row.configuration, row.secrets = dict(made.public), made.secrets_text
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if "registry_pattern_unique_for_owner" not in str(error):
            raise
        message = f"{row.owner} has credentials for '{row.image_pattern}' already. Change those, or use another pattern."
        raise PatternRefused(message, code="unique") from error
