"""Carries decisions out: rows first, then wishes in Redis. What providers have to do, `requests.py` asks them."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from common import clock
from environments.autoscaling import agents, lifecycle
from environments.autoscaling.agents import Look
from environments.autoscaling.facts import EnvironmentRow, MachineRow, Observation
from environments.autoscaling.memory import Memory
from environments.autoscaling.models import Machine, ScalingDecision
from environments.autoscaling.planner import Change, Note, Plan
from environments.autoscaling.types import ENDED, LEAVING, DecisionKind, MachineStatus, Wish
from peon.protocol import keys

SEEN_EVERY = timedelta(seconds=30)
"""How exact the time is at which an agent was last heard."""
_IDLE_CHANGES = timedelta(seconds=2)
_MOST_WORKERS = 64

_OBSERVE = """
UPDATE environments_machine AS machine
SET seen_at = seen.seen_at, idle_since = seen.idle_since, workers = ARRAY(SELECT jsonb_array_elements_text(seen.workers)),
    agent_version = seen.version,
    obeys_wishes = seen.obeys, interrupted_at = seen.interrupted_at
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::jsonb[], %s::text[], %s::bool[], %s::timestamptz[])
    AS seen (id, seen_at, idle_since, workers, version, obeys, interrupted_at)
WHERE machine.id = seen.id AND machine.ended_at IS NULL
"""


def write_observations(observations: Iterable[Observation], interrupted: Mapping[UUID, datetime]) -> None:
    """One statement for what has changed, however much that is."""
    changed = [o for o in observations if _is_news(o, interrupted.get(o.row.id))]
    if not changed:
        return
    columns: list[Any] = [
        [str(o.row.id) for o in changed],
        [o.seen_at for o in changed],
        [o.idle_since for o in changed],
        [json.dumps(_workers(o)) for o in changed],
        [_version(o) for o in changed],
        [o.obeys_wishes for o in changed],
        [interrupted.get(o.row.id) or o.row.interrupted_at for o in changed],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_OBSERVE, columns)


@dataclass(frozen=True)
class Written:
    new: Sequence[Machine]
    has_changed: bool


@transaction.atomic
def write_plans(plans: Sequence[tuple[EnvironmentRow, Plan]], memory: Memory) -> Written:
    """Rows of new machines, changed statuses, and the log. A change that somebody else made first is left out."""
    changes = _grouped(change for _, plan in plans for change in plan.changes)
    number = sum(_apply(how, machine_ids) for how, machine_ids in changes.items())
    new = [
        Machine(environment_id=row.id, provider=row.provider, price_per_hour_usd=row.price)
        for row, plan in plans
        for _ in range(plan.launches)
    ]
    notes = [_row(row.id, note) for row, plan in plans for note in plan.notes]
    notes += [
        _row(row.id, Note(DecisionKind.HELD, plan.held))
        for row, plan in plans
        if memory.is_news(row.id, plan.held)
    ]
    if new:
        Machine.objects.bulk_create(new)
    if notes:
        ScalingDecision.objects.bulk_create(notes)
    return Written(new, bool(number or new or notes))


def write_note(environment_id: UUID, kind: DecisionKind, text: str) -> None:
    ScalingDecision.objects.create(environment_id=environment_id, kind=kind, text=text)


def write_wishes(
    observations: Sequence[Observation], plans: Sequence[tuple[EnvironmentRow, Plan]], look: Look
) -> None:
    """What agents of machines are to do, as the rows say: also again after Redis has lost it. Raises `redis.RedisError`."""
    changes = {change.machine_id: change.to for _, plan in plans for change in plan.changes}
    wanted: dict[tuple[str, str], str] = {}
    for seen in observations:
        status = changes.get(seen.row.id, MachineStatus(seen.row.status))
        wish = _wish(seen.row, status)
        if wish:
            wanted[seen.row.queue_name, keys.machine_field(seen.row.id)] = wish
    for environment, plan in plans:
        for orphan in (*plan.drain_orphans, *plan.end_orphans):
            if orphan.machine_id:
                wanted[environment.queue_name, keys.machine_field(orphan.machine_id)] = Wish.DRAIN.value
    told = {
        (queue, field): wish
        for queue, wishes in look.wishes.items()
        for field, wish in wishes.items()
        if field.startswith(keys.machine_field(""))
    }
    news = {field: wish for field, wish in wanted.items() if told.get(field) != wish}
    agents.write_wishes(news, [field for field in told if field not in wanted])


def forget_old_decisions(days: int) -> None:
    ScalingDecision.objects.filter(created_at__lt=clock.now() - timedelta(days=days)).delete()


def _wish(row: MachineRow, status: MachineStatus) -> str:
    if status in ENDED:
        return ""
    if status in LEAVING:
        return Wish.STOP.value if row.stop_jobs else Wish.DRAIN.value
    return Wish.CORDON.value if row.cordoned else ""


def _grouped(changes: Iterable[Change]) -> dict[Change, list[UUID]]:
    """Machines that change in the same way are one statement; the key stands for all of them."""
    groups: dict[tuple[MachineStatus, str, bool], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.to, change.reason, change.is_fault), []).append(change)
    return {same[0]: [change.machine_id for change in same] for same in groups.values()}


def _apply(how: Change, machine_ids: Collection[UUID]) -> int:
    match how.to:
        case MachineStatus.READY:
            return lifecycle.mark_ready(machine_ids=machine_ids)
        case MachineStatus.DRAINING:
            return lifecycle.mark_draining(machine_ids=machine_ids, reason=how.reason, is_fault=how.is_fault)
        case MachineStatus.TERMINATING:
            return lifecycle.mark_terminating(machine_ids=machine_ids)
        case _:
            return lifecycle.mark_ended(machine_ids=machine_ids, status=how.to, reason=how.reason)


def _row(environment_id: UUID, note: Note) -> ScalingDecision:
    return ScalingDecision(environment_id=environment_id, kind=note.kind, text=note.text)


def _is_news(seen: Observation, interrupted_at: datetime | None) -> bool:
    row = seen.row
    return (
        _differ(row.seen_at, seen.seen_at, SEEN_EVERY)
        or _differ(row.idle_since, seen.idle_since, _IDLE_CHANGES)
        or list(row.workers) != _workers(seen)
        or row.agent_version != _version(seen)
        or row.obeys_wishes != seen.obeys_wishes
        or (interrupted_at is not None and interrupted_at != row.interrupted_at)
    )


def _differ(before: datetime | None, now: datetime | None, by: timedelta) -> bool:
    if before is None or now is None:
        return before is not now
    return abs(now - before) >= by


def _workers(seen: Observation) -> list[str]:
    """Those heard last; an agent that is silent now may hold a job all the same."""
    return sorted(agent.identity for agent in seen.agents)[:_MOST_WORKERS] or list(seen.row.workers)


def _version(seen: Observation) -> str:
    return min((agent.version for agent in seen.agents), default=seen.row.agent_version)
