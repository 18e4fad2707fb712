"""What people do with machines. The autoscaler does the rest by itself, and leaves its reasons in the log of decisions."""

import logging
from functools import partial

import redis
from django.db import transaction

from accounts.models import User
from audit.services import record
from common import notices
from environments.access import require_management
from environments.autoscaling import agents, lifecycle
from environments.autoscaling.models import Machine, ScalingDecision
from environments.autoscaling.types import STAYING, DecisionKind, MachineStatus, Wish
from environments.errors import AgentTooOld, MachineLeaves
from peon.protocol import keys

logger = logging.getLogger(__name__)


@transaction.atomic
def drain_machine(*, machine: Machine, actor: User) -> None:
    """It takes no new job, and ends when its running one has. Raises `EnvironmentNotChangeable` or `MachineLeaves`."""
    row = _locked(machine, actor)
    if not lifecycle.mark_draining(machine_ids=[row.pk], reason=f"drained by {actor.username}."):
        raise MachineLeaves(row)
    _done(row, actor, "machine.drained", f"{actor.username} drains machine {row}.", Wish.DRAIN)


@transaction.atomic
def terminate_machine(*, machine: Machine, actor: User) -> None:
    """It ends soon: a running job is asked to stop, and keeps its outputs. Also for one that is drained already."""
    row = _locked(machine, actor)
    reason = f"terminated by {actor.username}."
    if row.status == MachineStatus.DRAINING and not row.stop_jobs:
        Machine.objects.filter(pk=row.pk).update(stop_jobs=True, reason=reason)
    elif not lifecycle.mark_draining(machine_ids=[row.pk], reason=reason, stop_jobs=True):
        raise MachineLeaves(row)
    text = f"{actor.username} terminates machine {row}; its job is stopped."
    _done(row, actor, "machine.terminated", text, Wish.STOP)


@transaction.atomic
def set_cordoned(*, machine: Machine, actor: User, cordoned: bool) -> None:
    """Whether it takes no new jobs though it stays. Raises `AgentTooOld` besides."""
    row = _staying(machine, actor)
    if row.cordoned == cordoned:
        return
    Machine.objects.filter(pk=row.pk).update(cordoned=cordoned)
    what = "cordons" if cordoned else "uncordons"
    kind = "machine.cordoned" if cordoned else "machine.uncordoned"
    _done(row, actor, kind, f"{actor.username} {what} machine {row}.", Wish.CORDON if cordoned else None)


@transaction.atomic
def restart_agents(*, machine: Machine, actor: User) -> None:
    """Its agents begin anew between two jobs. Raises `AgentTooOld` besides."""
    row = _staying(machine, actor)
    record("machine.agents_restarted", actor=actor, target=row)
    _note(row, f"{actor.username} restarts the agent of machine {row}.")
    transaction.on_commit(
        partial(
            _write, {(row.environment.queue_name, worker): Wish.RESTART.value for worker in row.workers}, []
        )
    )


def _locked(machine: Machine, actor: User) -> Machine:
    row = (
        Machine.objects.select_for_update(of=("self",))
        .select_related("environment__owner__organization")
        .get(pk=machine.pk)
    )
    require_management(actor, row.environment)
    return row


def _staying(machine: Machine, actor: User) -> Machine:
    row = _locked(machine, actor)
    if row.status not in STAYING:
        raise MachineLeaves(row)
    if not row.obeys_wishes:
        raise AgentTooOld(row, row.agent_version)
    return row


def _done(row: Machine, actor: User, kind: str, text: str, wish: Wish | None) -> None:
    record(kind, actor=actor, target=row)
    _note(row, text)
    field = (row.environment.queue_name, keys.machine_field(row.pk))
    wanted = {field: wish.value} if wish else {}
    transaction.on_commit(partial(_write, wanted, [] if wish else [field]))
    notices.publish_on_commit("autoscaler", "wake")


def _note(row: Machine, text: str) -> None:
    ScalingDecision.objects.create(environment=row.environment, kind=DecisionKind.ASKED, text=text)


def _write(wanted: dict[tuple[str, str], str], unwanted: list[tuple[str, str]]) -> None:
    try:
        agents.write_wishes(wanted, unwanted)
    except redis.RedisError:
        logger.warning(
            "wishes for agents not written: Redis is away; the autoscaler writes those of machines again"
        )
