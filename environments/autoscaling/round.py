"""One round of the autoscaler: look, decide, carry out, ask providers; and what becomes of their answers."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import redis

from common import clock, notices
from environments.autoscaling import agents, apply, counts, lifecycle, words
from environments.autoscaling.agents import Look
from environments.autoscaling.calls import Answer, Call, Calls
from environments.autoscaling.facts import (
    EnvironmentRow,
    MachineRow,
    all_queues,
    environment_facts,
    load_environments,
    load_machines,
    observe,
)
from environments.autoscaling.listings import Listing, Listings
from environments.autoscaling.memory import Memory
from environments.autoscaling.models import Machine
from environments.autoscaling.planner import Orphan, Plan, Times, plan
from environments.autoscaling.providers import is_known, provider_named
from environments.autoscaling.providers.base import ErrorKind, LaunchOrder, ProviderError
from environments.autoscaling.settings import agent_settings, times
from environments.autoscaling.types import LIVE, DecisionKind, MachineStatus

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 1.0
"""How long a round waits for the calls that it made; their answers may come later."""
AGAIN_SECONDS = 20
"""Between two requests for the same, while the first one has had no effect."""
BUSY_LIST_SECONDS = 10.0
"""How old a list may be while machines come and go."""
M = MachineStatus


@dataclass(frozen=True, slots=True)
class Living:
    """A machine as it stands after what was decided, as far as providers are concerned."""

    id: UUID
    environment_id: UUID
    provider: str
    provider_id: str
    status: str


class Rounds:
    def __init__(self) -> None:
        self._calls = Calls()
        self._listings = Listings()
        self._memory = Memory()
        self._asked_at: dict[Call, float] = {}
        self._counted: Counter[tuple[UUID, str]] = Counter()

    def turn(self) -> bool:
        """Whether something has changed. Raises `redis.RedisError`, and what the database raises."""
        changed = self._take_answers(0.0)
        now = clock.now()
        environments = load_environments()
        self._listings.keep({environment.id for environment in environments})
        if not environments:
            return changed
        rows = load_machines(now)
        look = self._look([environment.queue_name for environment in environments])
        times_ = times()
        seen = observe(rows, look, times_, is_trusted=self._is_trusted(look, times_))
        facts = environment_facts(environments, rows, seen, look, self._listings, self._memory, now)
        plans = [(row, plan(fact, now, times_)) for row, fact in zip(environments, facts, strict=True)]
        interrupted = {m.id: m.interrupted_at for fact in facts for m in fact.machines if m.interrupted_at}
        apply.write_observations(seen, interrupted)
        written = apply.write_plans(plans, self._memory)
        changed |= written.has_changed
        apply.write_wishes(seen, plans, look)
        self._ask(environments, plans, _living(rows, plans, written.new))
        changed |= self._take_answers(ANSWER_SECONDS)
        self._count(environments, plans)
        if changed:
            _tell(plans)
        return changed

    def clean(self, decision_days: int) -> None:
        """Now and then: what nobody needs any more."""
        apply.forget_old_decisions(decision_days)
        agents.forget_silent(agents.look(all_queues()))

    def close(self) -> None:
        self._calls.close()

    def _count(
        self, environments: Sequence[EnvironmentRow], plans: Sequence[tuple[EnvironmentRow, Plan]]
    ) -> None:
        for environment, decided in plans:
            ended = sum(change.to in {M.FAILED, M.LOST} for change in decided.changes)
            self._counted[environment.id, counts.FAILED] += ended
        slugs = {environment.id: environment.slug for environment in environments}
        counted, self._counted = self._counted, Counter()
        counts.add(Counter({(slugs[pk], what): n for (pk, what), n in counted.items() if n and pk in slugs}))

    def _look(self, queues: Sequence[str]) -> Look:
        try:
            found = agents.look(sorted(set(queues)))
        except redis.RedisError:
            self._memory.heard_since = None
            raise
        self._memory.heard_since = self._memory.heard_since or clock.now()
        return found

    def _is_trusted(self, look: Look, times_: Times) -> bool:
        since = self._memory.heard_since
        return (
            since is not None
            and clock.now() - since >= times_.silence
            and look.uptime_seconds >= times_.silence.total_seconds()
        )

    def _ask(
        self,
        environments: Sequence[EnvironmentRow],
        plans: Sequence[tuple[EnvironmentRow, Plan]],
        living: Sequence["Living"],
    ) -> None:
        by_id = {environment.id: environment for environment in environments}
        for row in living:
            environment = by_id.get(row.environment_id)
            if environment is None or not is_known(row.provider):
                continue
            if row.status == M.REQUESTED:
                self._launch(environment, row)
            elif row.status == M.TERMINATING:
                self._terminate(environment, row)
        for environment, decided in plans:
            for orphan in decided.end_orphans:
                self._end_orphan(environment, orphan)
        busy = {row.environment_id for row in living if row.status != M.READY}
        providers = {row.environment_id: row.provider for row in living}
        for environment in environments:
            provider = environment.provider or providers.get(environment.id, "")
            if is_known(provider):
                self._list(environment, provider, is_busy=environment.id in busy)

    def _launch(self, environment: EnvironmentRow, row: "Living") -> None:
        call = Call("launch", environment.id, str(row.id))
        if self._is_due(call) and not self._calls.is_running(call):
            # Not before it is asked for: each order may cost a token.
            agent = agent_settings(environment, row.provider, row.id)
            order = LaunchOrder(row.id, environment.place, agent)
            self._calls.start(call, row.provider, partial(provider_named(row.provider).launch, order))

    def _terminate(self, environment: EnvironmentRow, row: "Living") -> None:
        work = partial(provider_named(row.provider).terminate, environment.place, row.id, row.provider_id)
        self._start(Call("terminate", environment.id, str(row.id)), row.provider, work)

    def _end_orphan(self, environment: EnvironmentRow, orphan: Orphan) -> None:
        provider = provider_named(environment.provider)
        work = partial(provider.terminate, environment.place, orphan.machine_id, orphan.provider_id)
        self._start(Call("orphan", environment.id, orphan.provider_id), environment.provider, work)

    def _start(self, call: Call, provider: str, work: Callable[[], Any]) -> None:
        if self._is_due(call):
            self._calls.start(call, provider, work)

    def _is_due(self, call: Call) -> bool:
        """Unless it was asked for a moment ago; from now on it was."""
        now = clock.now().timestamp()
        self._asked_at = {known: at for known, at in self._asked_at.items() if now - at < AGAIN_SECONDS}
        if call in self._asked_at:
            return False
        self._asked_at[call] = now
        return True

    def _list(self, environment: EnvironmentRow, name: str, *, is_busy: bool) -> None:
        provider, now = provider_named(name), clock.now()
        every = min(provider.list_seconds, BUSY_LIST_SECONDS) if is_busy else provider.list_seconds
        call = Call("list", environment.id)
        if self._listings.is_due(environment.id, now, every) and not self._calls.is_running(call):
            self._listings.note_asked(environment.id, now)
            self._calls.start(call, name, partial(provider.list, environment.place))

    def _take_answers(self, seconds: float) -> bool:
        failed: dict[tuple[UUID, str], int] = {}
        changed = False
        for answer in self._calls.answers(seconds):
            match answer.call.kind:
                case "list":
                    self._take_list(answer)
                case "launch":
                    changed |= self._take_launch(answer, failed)
                case "terminate" | "orphan":
                    self._take_end(answer)
        for (environment_id, why), number in failed.items():
            text = f"{words.many(number, 'machine').capitalize()} could not be started: {why}"
            apply.write_note(environment_id, DecisionKind.FAILED, text)
        return changed

    def _take_list(self, answer: Answer) -> None:
        environment_id = answer.call.environment_id
        if answer.error is None:
            self._listings.put(environment_id, Listing(answer.began_at, answer.result))
            return
        self._listings.forget(environment_id)
        _log(answer)

    def _take_launch(self, answer: Answer, failed: dict[tuple[UUID, str], int]) -> bool:
        machine_id = UUID(answer.call.subject)
        if answer.error is None:
            made = answer.result
            if lifecycle.mark_starting(
                machine_id=machine_id, provider_id=made.provider_id, zone=made.zone, spot=made.is_spot,
                price=made.price_per_hour_usd,
            ):  # fmt: skip
                self._counted[answer.call.environment_id, counts.LAUNCHED] += 1
                return True
            return lifecycle.note_started(machine_id=machine_id, provider_id=made.provider_id)
        _log(answer)
        if not isinstance(answer.error, ProviderError) or answer.error.kind is ErrorKind.LATER:
            return False  # it may have been started: the next request finds it by its tag
        why = answer.error.message
        if lifecycle.mark_ended(machine_ids=[machine_id], status=M.FAILED, reason=why):
            key = (answer.call.environment_id, why)
            failed[key] = failed.get(key, 0) + 1
            self._counted[answer.call.environment_id, counts.FAILED] += 1
        return True

    def _take_end(self, answer: Answer) -> None:
        if answer.error is not None:
            _log(answer)
        elif answer.call.kind == "terminate":
            self._memory.terminated_at[UUID(answer.call.subject)] = clock.now()


def _living(
    rows: Sequence[MachineRow], plans: Sequence[tuple[EnvironmentRow, Plan]], new: Sequence[Machine]
) -> list[Living]:
    statuses = {change.machine_id: change.to for _, decided in plans for change in decided.changes}
    known = [
        Living(row.id, row.environment_id, row.provider, row.provider_id, statuses.get(row.id, row.status))
        for row in rows
        if row.ended_at is None
    ]
    added = [Living(m.pk, m.environment_id, m.provider, "", m.status) for m in new]
    return [machine for machine in [*known, *added] if machine.status in LIVE]


def _log(answer: Answer) -> None:
    about = {"environment": str(answer.call.environment_id), "subject": answer.call.subject}
    if isinstance(answer.error, ProviderError):
        logger.warning("provider: %s: %s", answer.call.kind, answer.error.message, extra=about)
    else:
        logger.error("provider: %s failed", answer.call.kind, exc_info=answer.error, extra=about)


def _tell(plans: Sequence[tuple[EnvironmentRow, Plan]]) -> None:
    """Executions that wait are told what is done for them."""
    if any(decided.launches or decided.changes for _, decided in plans):
        notices.publish("scheduler", "wake")
