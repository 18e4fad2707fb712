"""The base of administration pages that write rows themselves, because no service does: each write leaves an audit row."""

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.http import HttpRequest

from audit.services import record, record_change, snapshot
from common.admin import PlatformAdmin

PROOFS = frozenset({"password", "digest", "session_key"})
"""Columns that prove who somebody is. They are no business of the log, not even as a hash."""


class AuditedAdmin(PlatformAdmin):
    """For models with an `audit_target`. What a service can write, a page leaves to the service."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        names = [str(name) for name in form.fields]
        before = _shown(type(obj)._default_manager.get(pk=obj.pk), names) if change else {}
        with transaction.atomic():
            obj.save()
            form.save_m2m()
            actor, after, kind = _actor(request), _shown(obj, names), obj.audit_target.kind
            if change:
                record_change(f"{kind}.changed", actor=actor, target=obj, before=before, after=after)
            else:
                record(f"{kind}.created", actor=actor, target=obj, after=after)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """All is written already, together with the audit row."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        target, before = obj.audit_target, _shown(obj, map(str, self.get_fields(request, obj)))
        with transaction.atomic():
            obj.delete()
            record(f"{target.kind}.deleted", actor=_actor(request), target=target, before=before)


def _actor(request: HttpRequest) -> Any:
    return request.user


def _shown(row: models.Model, names: Iterable[str]) -> dict[str, Any]:
    """Those of the names that are fields, related rows by their names."""
    wanted = set(names) - PROOFS
    single = [field.name for field in row._meta.concrete_fields if field.name in wanted]
    several = [field.name for field in row._meta.many_to_many if field.name in wanted]
    return snapshot(row, single) | {
        name: sorted(str(other) for other in getattr(row, name).all()) for name in several
    }
