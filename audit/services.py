"""Writing audit rows. They are written in the transaction of the change that they speak of: both happen or neither."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from audit.models import AuditEvent
from audit.origin import current
from audit.types import Actor, Auditable, Target, Values
from common import clock
from common.crypto import EncryptedTextField

SECRET = "(secret)"  # noqa: S105  (what stands in place of one)
_LONGEST_VALUE = 2000


def record(
    kind: str,
    *,
    actor: Actor | None,
    target: Auditable | Target,
    before: Values | None = None,
    after: Values | None = None,
    also_for: Iterable[int] = (),
) -> None:
    """Write that `actor` did `kind` to `target`.

    `before` and `after` hold the fields that changed, secrets already replaced (see `snapshot`). `also_for` names more
    owners who may read the row, such as the organizations of a user who signs in.
    """
    subject = target if isinstance(target, Target) else target.audit_target
    origin, scope = current(), subject.scope
    AuditEvent.objects.create(
        created_at=clock.now(),
        kind=kind,
        actor_id=actor.pk if actor else None,
        actor_name=actor.username if actor else "",
        target_kind=subject.kind,
        target_id=subject.id,
        target_name=_text(subject.name)[:255],
        owner_ids=sorted({*scope.owner_ids, *also_for}),
        project_id=scope.project_id,
        project_name=scope.project_name[:160],
        before=_plain(before or {}),
        after=_plain(after or {}),
        ip_address=origin.ip_address or None,
        user_agent=origin.user_agent,
        channel=origin.channel,
        token_hint=origin.token_hint,
    )


def record_change(
    kind: str,
    *,
    actor: Actor | None,
    target: Auditable,
    before: Values,
    after: Values,
    also_for: Iterable[int] = (),
) -> bool:
    """Write a row with the fields that differ between two snapshots; nothing when none does."""
    changed = [name for name in after if before.get(name) != after[name]]
    if changed:
        record(
            kind,
            actor=actor,
            target=target,
            before={name: before.get(name) for name in changed},
            after={name: after[name] for name in changed},
            also_for=also_for,
        )
    return bool(changed)


def snapshot(row: models.Model, fields: Iterable[str]) -> dict[str, Any]:
    """The fields as an audit row may show them: relations by name, secrets only as whether and when they differ."""
    return {name: _shown(row, name) for name in fields}


def _shown(row: models.Model, name: str) -> Any:
    value = getattr(row, name)
    if isinstance(row._meta.get_field(name), EncryptedTextField):
        return Secret(value) if value else ""
    return str(value) if isinstance(value, models.Model) else value


@dataclass(frozen=True)
class Secret:
    """Stands for a secret in a snapshot: compares as what it stands for, and is written as "(secret)"."""

    hidden: str = field(repr=False)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_text(str(name)): _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    """As JSON can hold it: text without NUL and of a bounded length, anything unknown as its text."""
    if isinstance(value, Secret):
        return SECRET
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, Mapping):
        return _plain(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(item) for item in value]
    return _text(value)


def _text(text: Any) -> str:
    return str(text).replace("\0", "").encode("utf-8", "replace").decode()[:_LONGEST_VALUE]
