"""How rows of the log are shown: as API answers, as CSV, as what changed.

Where somebody came from (address, program, token) is told to few; `shows_source` says for which rows.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from audit.models import AuditEvent
from common.rest.downloads import csv_pieces, harmless
from common.rest.times import timestamp

ShowsSource = Callable[[AuditEvent], bool]

COLUMNS = (
    "Timestamp", "Event", "Subject kind", "Subject", "Subject id", "Project", "Project id", "Actor", "Actor id",
    "Channel", "IP address", "User agent", "Token", "Before", "After",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One field of a change, as text; an empty text where there was nothing."""

    name: str
    before: str
    after: str


def differences(event: AuditEvent) -> list[Difference]:
    names = [*event.before, *(name for name in event.after if name not in event.before)]
    return [
        Difference(name.replace("_", " "), _text(event.before.get(name)), _text(event.after.get(name)))
        for name in names
    ]


def represent(event: AuditEvent, *, with_source: bool) -> dict[str, Any]:
    return {
        "id": str(event.pk),
        "ctime": timestamp(event.created_at),
        "kind": event.kind,
        "actor": {"id": event.actor_id, "username": event.actor_name} if event.actor_id else None,
        "target": {"kind": event.target_kind, "id": event.target_id, "name": event.target_name},
        "project": {"id": str(event.project_id), "name": event.project_name} if event.project_id else None,
        "before": event.before,
        "after": event.after,
        "channel": event.channel,
        "source": _source(event) if with_source else None,
    }


def as_csv(events: Iterable[AuditEvent], shows_source: ShowsSource) -> Iterator[str]:
    return csv_pieces(COLUMNS, (_cells(event, with_source=shows_source(event)) for event in events))


def _source(event: AuditEvent) -> dict[str, str | None]:
    return {
        "ip_address": event.ip_address,
        "user_agent": event.user_agent,
        "token_hint": event.token_hint,
    }


def _cells(event: AuditEvent, *, with_source: bool) -> list[str]:
    source = _source(event) if with_source else {}
    cells = [
        timestamp(event.created_at), event.kind, event.target_kind, event.target_name, event.target_id,
        event.project_name, event.project_id, event.actor_name, event.actor_id, event.channel,
        source.get("ip_address"), source.get("user_agent"), source.get("token_hint"),
        _json(event.before), _json(event.after),
    ]  # fmt: skip
    return [harmless("" if cell is None else str(cell)) for cell in cells]


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True) if values else ""


def _text(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
