"""A round of the autoscaler over 200 environments and 5,000 machines, on a real PostgreSQL and Redis, and its plan alone."""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from bench.figures import Figure, percentile, print_line
from bench.planner import in_installation, timed

ENVIRONMENTS, MACHINES = 200, 5_000
BUSY_SHARE = 0.7
ROUNDS = 9
AIM_MS = 500


def measure() -> Iterator[Figure]:
    told = json.loads(in_installation("--rounds", module="bench.autoscaler"))
    where = f"{ENVIRONMENTS} environments and {MACHINES:,} machines"
    yield Figure(f"autoscaler's round over {where}, nothing new, p50", told["quiet"], "ms", AIM_MS)
    yield Figure(
        "the same, 200 jobs came and 100 machines were idle for too long, p50", told["busy"], "ms", AIM_MS
    )
    yield Figure("processor time of it, whatever others do on the machine, p50", told["processor"], "ms")
    yield Figure("reading queries of a round, nothing new", told["queries"], "queries", 2)


class MemoryProvider:
    """Answers at once: what a provider takes is not the round's."""

    name = "memory"
    label = "Memory"
    template_help = ""
    list_seconds = 0.0
    absence_seconds = 0.0

    def __init__(self) -> None:
        self.machines: dict[UUID, dict[UUID, Any]] = {}

    def problems(self, template: Mapping[str, Any]) -> Sequence[str]:
        return []

    def launch(self, order: Any) -> Any:
        return self.add(order.place.environment_id, order.machine_id)

    def add(self, environment_id: UUID, machine_id: UUID) -> Any:
        from environments.autoscaling.providers.base import ProviderMachine

        made = ProviderMachine(f"i-{machine_id.hex[-8:]}", machine_id)
        return self.machines.setdefault(environment_id, {}).setdefault(machine_id, made)

    def terminate(self, place: Any, machine_id: UUID | None, provider_id: str) -> None:
        if machine_id is not None:
            self.machines.get(place.environment_id, {}).pop(machine_id, None)

    def list(self, place: Any) -> Sequence[Any]:
        return [*self.machines.get(place.environment_id, {}).values()]


PROVIDER = MemoryProvider()


def the_provider() -> MemoryProvider:
    return PROVIDER


def measure_rounds() -> dict[str, float]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from environments.autoscaling.providers import PROVIDERS
    from environments.autoscaling.round import Rounds

    PROVIDERS["memory"] = "bench.autoscaler:the_provider"
    queues = seed()
    rounds = Rounds()
    rounds.turn()
    rounds.turn()
    quiet = [timed(rounds.turn)[0] for _ in range(ROUNDS)]
    processor = [_processor_ms(rounds.turn) for _ in range(ROUNDS)]
    connection.force_debug_cursor = True
    with CaptureQueriesContext(connection) as queries:
        rounds.turn()
    connection.force_debug_cursor = False
    reads = sum(query["sql"].startswith("SELECT") for query in queries)
    busy = [timed(lambda: _news(queues) or rounds.turn())[0] for _ in range(ROUNDS)]
    rounds.close()
    return {
        "quiet": percentile(quiet, 50),
        "processor": percentile(processor, 50),
        "busy": percentile(busy, 50),
        "queries": reads,
    }


def _processor_ms(work: Callable[[], Any]) -> float:
    """Of this thread, without what database and Redis do meanwhile."""
    began = time.thread_time()
    work()
    return (time.thread_time() - began) * 1000


def seed() -> list[str]:
    """Rows, what agents say, and leases; the queues' names."""
    from django.core.management import call_command

    from common import clock
    from environments.models import Environment, Machine

    call_command("migrate", verbosity=0)
    chance = random.Random(0)  # noqa: S311
    environments = Environment.objects.bulk_create(
        Environment(
            slug=f"e{n}", name=f"e{n}", queue_name=f"q{n}", provider="memory", scale_max=60,
            scale_down_grace_period=60, per_hour_price_usd=chance.randrange(5),
        )
        for n in range(ENVIRONMENTS)
    )  # fmt: skip
    now = clock.now()
    machines = Machine.objects.bulk_create(
        Machine(
            environment=environments[n % ENVIRONMENTS], provider="memory", status="ready", started_at=now, ready_at=now,
            price_per_hour_usd=1,
        )
        for n in range(MACHINES)
    )  # fmt: skip
    for machine in machines:
        PROVIDER.add(machine.environment_id, machine.pk)
    _say_hello(machines, chance)
    return [environment.queue_name for environment in environments]


def _say_hello(machines: Sequence[Any], chance: random.Random) -> None:
    from common.redis import client
    from environments.autoscaling.types import agent_identity
    from peon.protocol import keys

    pipe = client().pipeline(transaction=False)
    for machine in machines:
        identity = agent_identity(machine.pk)
        is_busy = chance.random() < BUSY_SHARE
        said = {
            "identity": identity, "host": "host", "agent_version": "1.0", "runtime": "docker", "state": "busy" if is_busy else "idle",
            "queues": [machine.environment.queue_name], "seen_at": time.time() + 600, "idle_seconds": 1.0,
            "facts": {"machine_id": str(machine.pk), "obeys_wishes": True, "cpus": 8, "system": "Linux-6.1-x86_64"},
            "usage": {"cpus": 8, "cpu": 0.5, "memory_total_kb": 32_000_000, "memory_used_kb": 9_000_000},
        }  # fmt: skip
        pipe.hset(keys.queue_workers(machine.environment.queue_name), identity, json.dumps(said))
        if is_busy:
            pipe.hset(keys.queue_holders(machine.environment.queue_name), f"{machine.pk}:0", identity)
    pipe.execute()


def _news(queues: Sequence[str]) -> None:
    """Jobs for every environment, and a hundred machines whose time is over. What it takes is small beside a round."""
    from datetime import timedelta

    from common import clock
    from common.redis import client
    from environments.models import Machine
    from peon.protocol import keys

    pipe = client().pipeline(transaction=False)
    for queue in queues:
        pipe.zadd(keys.queue(queue), {f"job-{time.monotonic_ns()}:0": 0})
    pipe.execute()
    idle = Machine.objects.filter(status="ready").values_list("pk", flat=True)[:100]
    Machine.objects.filter(pk__in=list(idle)).update(idle_since=clock.now() - timedelta(hours=2))


def main() -> None:
    if "--rounds" in sys.argv:
        from bench.event_stream import set_up_django

        set_up_django()
        print(json.dumps(measure_rounds()))
        return
    for figure in measure():
        print_line(figure)


if __name__ == "__main__":
    main()
