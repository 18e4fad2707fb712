"""Rounds against a real PostgreSQL and Redis: what is decided happens, once, whatever answers late, wrongly or never."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import clock
from common.redis import client
from environments.autoscaling import providers
from environments.autoscaling.models import Machine, ScalingDecision
from environments.autoscaling.providers.base import ErrorKind
from environments.autoscaling.round import Rounds
from environments.autoscaling.types import LIVE, agent_identity
from environments.models import Environment
from peon.protocol import keys
from tests.environments.autoscaling.scripted import Agents, ScriptedProvider, enqueue
from tests.support.factories import make_environment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedProvider]:
    made = ScriptedProvider()
    monkeypatch.setitem(providers.PROVIDERS, "scripted", f"{__name__}:no_such_class")
    providers.provider_named.cache_clear()
    real = providers.import_module
    monkeypatch.setattr(
        providers, "import_module",
        lambda name: type("Module", (), {"no_such_class": staticmethod(lambda: made)}) if name == __name__ else real(name),
    )  # fmt: skip
    yield made
    made.is_answering.set()
    providers.provider_named.cache_clear()


@pytest.fixture
def environment(provider: ScriptedProvider) -> Environment:
    return make_environment("gpu", provider="scripted", scale_max=5, scale_down_grace_period=0)


@pytest.fixture
def agents(environment: Environment) -> Agents:
    return Agents(environment.queue_name)


@pytest.fixture
def rounds(settings: object) -> Iterator[Rounds]:
    settings.HEARTBEAT_SECONDS = 0  # what is drained settles at once
    made = Rounds()
    yield made
    made.close()


def statuses() -> list[str]:
    return sorted(Machine.objects.values_list("status", flat=True))


def living() -> list[Machine]:
    return list(Machine.objects.filter(status__in=LIVE).order_by("created_at", "pk"))


def log() -> list[str]:
    return list(ScalingDecision.objects.order_by("created_at").values_list("text", flat=True))


def bring_up(rounds: Rounds, agents: Agents, number: int) -> list[Machine]:
    enqueue(agents.queue, *(f"{uuid4()}:0" for _ in range(number)))
    rounds.turn()
    for machine in living():
        agents.hello(machine.pk)
    rounds.turn()
    assert statuses() == ["ready"] * number
    return living()


def until(rounds: Rounds, condition: Callable[[], bool], turns: int = 12) -> None:
    for _ in range(turns):
        if condition():
            return
        rounds.turn()
    assert condition(), (statuses(), log())


def test_from_nothing_to_three_and_back(rounds: Rounds, agents: Agents, provider: ScriptedProvider):
    machines = bring_up(rounds, agents, 3)
    assert len(provider.machines) == 3
    assert {order.agent_settings["QUEUES"] for order in provider.orders} == {"gpu"}
    claimed = [agents.claim(machine.pk) for machine in machines]
    rounds.turn()
    assert [m.idle_since for m in living()] == [None] * 3
    agents.release(claimed[0][0])
    until(rounds, lambda: statuses() == ["gone", "ready", "ready"])
    assert set(provider.machines) == {m.pk for m in machines[1:]}
    for member in claimed[1:]:
        agents.release(member[0])
    until(rounds, lambda: statuses() == ["gone"] * 3)
    assert not provider.machines
    assert log()[0] == "Starts 3 machines: 3 jobs wait, 0 of at most 5 run."
    assert not client().hlen(keys.queue_wishes("gpu")), "wishes of machines that are gone are forgotten"


def test_a_job_claimed_between_look_and_wish_keeps_its_machine(
    rounds: Rounds, agents: Agents, provider: ScriptedProvider, environment: Environment
):
    (machine,) = bring_up(rounds, agents, 1)
    client().delete(keys.queue("gpu"))
    rounds.turn()  # it is drained now
    assert statuses() == ["draining"]
    # as if the claim had come just before the wish was written
    client().hdel(keys.queue_wishes("gpu"), keys.machine_field(machine.pk))
    enqueue("gpu", "late:0")
    claimed = agents.claim(machine.pk)
    assert claimed[0] == b"late:0"
    for _ in range(4):
        rounds.turn()
    assert "terminating" not in statuses()
    assert machine.pk in provider.machines
    agents.release(claimed[0])
    until(rounds, lambda: "gone" in statuses())


def test_a_drained_machine_gets_no_job(rounds: Rounds, agents: Agents):
    (machine,) = bring_up(rounds, agents, 1)
    client().delete(keys.queue("gpu"))
    rounds.turn()
    enqueue("gpu", "next:0")
    assert agents.claim(machine.pk) == [b"", b"drain"]


def test_a_lost_answer_starts_no_second_machine(
    rounds: Rounds, agents: Agents, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("environments.autoscaling.round.AGAIN_SECONDS", 0)
    provider.forgets_answer = True
    enqueue("gpu", "a:0")
    rounds.turn()
    assert statuses() == ["requested"]
    provider.forgets_answer = False
    rounds.turn()
    assert statuses() == ["starting"]
    assert len(provider.orders) == 2
    assert len(provider.machines) == 1


def test_another_leader_goes_on_where_the_first_one_died(
    rounds: Rounds, agents: Agents, provider: ScriptedProvider
):
    provider.is_answering.clear()
    enqueue("gpu", "a:0")
    rounds.turn()
    assert statuses() == ["requested"]
    provider.is_answering.set()
    second = Rounds()
    until(second, lambda: statuses() == ["starting"])
    second.close()
    assert len(provider.machines) == 1
    rounds.turn()
    assert statuses() == ["starting"]


def test_a_provider_that_does_not_answer_keeps_no_other_waiting(
    rounds: Rounds, provider: ScriptedProvider, environment: Environment, tmp_path: object
):
    provider.is_answering.clear()
    other = make_environment("other", provider="local", scale_max=1, machine_template={"runtime": "wrong"})
    enqueue("gpu", "a:0")
    enqueue("other", "b:0")
    began = time.monotonic()
    for _ in range(3):
        rounds.turn()
    assert time.monotonic() - began < 10
    assert living()[0].environment_id == environment.pk
    assert "not right" in ScalingDecision.objects.get(environment=other).text


def test_a_refusal_is_told_once_and_tried_again_later(
    rounds: Rounds, provider: ScriptedProvider, environment: Environment
):
    provider.refuses = "The quota of 4 vCPUs is used. Ask the provider for more."
    enqueue("gpu", "a:0", "b:0")
    for _ in range(5):
        rounds.turn()
    assert statuses() == ["failed", "failed"]
    assert len(provider.orders) == 2
    started, failed, held = log()
    assert started.startswith("Starts 2 machines")
    assert failed == f"2 machines could not be started: {provider.refuses}"
    assert held.startswith("No machine is started before ")
    assert held.endswith(provider.refuses)
    Machine.objects.update(ended_at=clock.now() - timedelta(minutes=2))
    provider.refuses = ""
    rounds.turn()
    assert statuses() == ["failed", "failed", "starting"]


def test_a_machine_that_never_enrols_is_ended_and_replaced(
    rounds: Rounds, provider: ScriptedProvider, agents: Agents, settings: object
):
    enqueue("gpu", "a:0")
    rounds.turn()
    (machine,) = living()
    Machine.objects.update(created_at=clock.now() - timedelta(minutes=11))
    until(rounds, lambda: statuses() == ["failed"])
    assert not provider.machines
    assert "not heard within 10 minutes" in Machine.objects.get(pk=machine.pk).reason
    Machine.objects.update(ended_at=clock.now() - timedelta(minutes=2))
    until(rounds, lambda: statuses() == ["failed", "starting"])


def test_a_machine_that_the_provider_ended_is_lost_and_replaced(
    rounds: Rounds, agents: Agents, provider: ScriptedProvider, environment: Environment
):
    Environment.objects.update(scale_min=1)
    (machine,) = bring_up(rounds, agents, 1)
    client().delete(keys.queue("gpu"))
    provider.change(machine.pk, is_running=False, end_reason="hardware failure")
    until(rounds, lambda: statuses() == ["lost", "starting"])
    assert "hardware failure" in Machine.objects.get(status="lost").reason


def test_orphans_are_told_to_take_nothing_and_then_ended(
    rounds: Rounds, provider: ScriptedProvider, environment: Environment
):
    from environments.autoscaling.providers.base import ProviderMachine

    stray = uuid4()
    provider.machines[stray] = ProviderMachine("i-stray", stray)
    rounds.turn()
    until(rounds, lambda: stray not in provider.machines)
    assert log() == ["Ends 1 machine that nobody knows of: i-stray."]


def test_an_orphan_with_a_job_is_left_until_it_has_none(
    rounds: Rounds, provider: ScriptedProvider, agents: Agents, environment: Environment
):
    from environments.autoscaling.providers.base import ProviderMachine

    stray = uuid4()
    provider.machines[stray] = ProviderMachine("i-stray", stray)
    enqueue("gpu", "a:0")
    claimed = agents.claim(stray)
    for _ in range(4):
        rounds.turn()
    assert stray in provider.machines
    agents.release(claimed[0])
    until(rounds, lambda: stray not in provider.machines)


def test_a_spot_notice_drains(
    rounds: Rounds, agents: Agents, provider: ScriptedProvider, environment: Environment
):
    Environment.objects.update(scale_down_grace_period=60)
    (machine,) = bring_up(rounds, agents, 1)
    client().delete(keys.queue("gpu"))
    provider.change(machine.pk, interrupted_at=clock.now() + timedelta(minutes=2))
    until(rounds, lambda: "draining" in statuses(), turns=3)
    assert "takes it back" in Machine.objects.get(pk=machine.pk).reason


@pytest.mark.parametrize(
    "said",
    [
        {"seen_at": -1e300}, {"seen_at": float("nan")}, {"seen_at": 1e300}, {"seen_at": True}, {"idle_seconds": -1e300},
        {"idle_seconds": float("inf")}, {"agent_version": "\0" * 50}, {"agent_version": "\ud800"}, {"queues": [None, {}]},
        {"facts": [1]}, {"usage": "much"}, {"job": 7}, {"state": "x" * 5000},
    ],
)  # fmt: skip
def test_what_an_agent_says_stops_no_round(said: dict[str, object], rounds: Rounds, agents: Agents):
    (machine,) = bring_up(rounds, agents, 1)
    identity = agent_identity(machine.pk)
    good = {"queues": ["gpu"], "seen_at": time.time(), "facts": {"machine_id": str(machine.pk)}}
    client().hset(keys.queue_workers("gpu"), identity, json.dumps({**good, **said}))
    client().hset(keys.queue_workers("gpu"), "a\0b", json.dumps(good))
    client().hset(keys.queue_workers("gpu"), b"\xff\xfe", json.dumps(good))
    client().hset(keys.queue_workers("gpu"), "w" * 5000, json.dumps(good))
    rounds.turn()
    rounds.turn()
    assert statuses() == ["ready"]
    rounds.clean(30)


def test_redis_that_lost_everything_ends_nothing(rounds: Rounds, agents: Agents, environment: Environment):
    Environment.objects.update(scale_down_grace_period=60)
    bring_up(rounds, agents, 2)
    client().flushdb()
    for _ in range(3):
        rounds.turn()
    assert statuses() == ["ready", "ready"]


def test_wishes_are_written_again_after_redis_lost_them(
    rounds: Rounds, agents: Agents, environment: Environment
):
    Environment.objects.update(scale_down_grace_period=60)
    (machine,) = bring_up(rounds, agents, 1)
    Machine.objects.update(cordoned=True)
    rounds.turn()
    client().flushdb()
    rounds.turn()
    assert client().hget(keys.queue_wishes("gpu"), keys.machine_field(machine.pk)) == b"cordon"


def test_an_agent_of_an_earlier_version_is_known_by_its_name_and_ended_without_a_job(
    rounds: Rounds, provider: ScriptedProvider, environment: Environment
):
    enqueue("gpu", "a:0")
    rounds.turn()
    (machine,) = living()
    old = {
        "queues": ["gpu"],
        "agent_version": "0.9",
        "seen_at": time.time(),
        "facts": {"masks_secrets": True},
    }
    client().hset(keys.WORKERS, agent_identity(machine.pk), json.dumps(old))
    rounds.turn()
    assert statuses() == ["ready"]
    assert Machine.objects.get().obeys_wishes is False
    client().delete(keys.queue("gpu"))
    until(rounds, lambda: statuses() == ["gone"])


def test_without_a_provider_any_more_its_machines_end(
    rounds: Rounds, agents: Agents, environment: Environment
):
    bring_up(rounds, agents, 2)
    Environment.objects.update(provider=None)
    until(rounds, lambda: statuses() == ["gone", "gone"])


def test_lists_that_fail_end_nothing_and_start_what_is_needed(
    rounds: Rounds, agents: Agents, provider: ScriptedProvider
):
    provider.lists_fail = True
    enqueue("gpu", "a:0")
    for _ in range(3):
        rounds.turn()
    assert statuses() == ["starting"]


@pytest.mark.parametrize("count", [2, 40])
def test_a_round_without_news_is_one_query_per_table(
    count: int, rounds: Rounds, provider: ScriptedProvider, environment: Environment
):
    for number in range(count):
        one = make_environment(f"e{number}", provider="scripted", scale_min=2)
        for _ in range(2):
            Machine.objects.create(environment=one, provider="scripted", status="ready", ready_at=clock.now())
    rounds.turn()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        rounds.turn()
    selects = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert len(selects) == 2, selects
    assert not [query for query in queries if query["sql"].startswith(("INSERT", "DELETE"))]


def test_what_an_agent_hears_of_the_cloud_drains_its_machine(
    rounds: Rounds, agents: Agents, provider: ScriptedProvider
):
    (machine,) = bring_up(rounds, agents, 1)
    ends_at = clock.now() + timedelta(minutes=2)
    facts = {"machine_id": str(machine.pk), "obeys_wishes": True, "interrupted_at": ends_at.timestamp()}
    agents.hello(machine.pk, facts=facts, state="draining")
    rounds.turn()
    machine.refresh_from_db()
    assert machine.status == "draining"
    assert abs(machine.interrupted_at - ends_at) < timedelta(milliseconds=1)
    until(rounds, lambda: "gone" in statuses())


@pytest.mark.parametrize("said", ["soon", -1, 1e300, True, None, [], "NaN"])
def test_an_odd_time_of_an_agent_is_none(
    rounds: Rounds, agents: Agents, provider: ScriptedProvider, said: object
):
    (machine,) = bring_up(rounds, agents, 1)
    facts = {"machine_id": str(machine.pk), "obeys_wishes": True, "interrupted_at": said}
    agents.hello(machine.pk, facts=facts)
    rounds.turn()
    machine.refresh_from_db()
    assert (machine.status, machine.interrupted_at) == ("ready", None)


def test_a_provider_that_asks_for_patience_is_asked_again(
    rounds: Rounds, agents: Agents, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("environments.autoscaling.round.AGAIN_SECONDS", 0)
    provider.refuses, provider.refuses_as = "Amazon asks for patience.", ErrorKind.LATER
    enqueue(agents.queue, f"{uuid4()}:0")
    rounds.turn()
    assert statuses() == ["requested"], "it counts as none that failed"
    provider.refuses = ""
    until(rounds, lambda: statuses() == ["starting"])
    assert len(provider.machines) == 1
