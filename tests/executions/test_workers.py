"""Why a queued execution is not picked up."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from common import clock
from common.redis import client
from environments.autoscaling.selectors import waiting_words
from environments.models import Environment, Machine
from executions.models import Execution
from executions.scheduling import workers
from executions.scheduling.loop import Scheduler
from executions.types import Status
from peon.protocol import keys
from tests.support.factories import make_environment, make_execution


@pytest.mark.parametrize(
    ("worker", "served"),
    [
        ({"queues": ["a", "b"], "seen_at": 1_700_000_000}, {"a", "b"}),
        ({"queues": ["a"], "seen_at": 1_700_000_000_000}, {"a"}),
        ({"queues": ["a"], "seen_at": 1_699_999_900}, set()),
        ({"queues": None, "seen_at": 1_700_000_000}, set()),
        ({"queues": ["a"]}, set()),
        ({}, set()),
    ],
)
def test_a_queue_is_served_by_workers_heard_of_lately(worker, served):
    assert workers.served_among([worker], 1_700_000_010) == served


@pytest.mark.django_db
def test_the_reason_follows_the_workers():
    execution = make_execution(status=Status.QUEUED, environment=make_environment("gpu"))
    long_ago = clock.now() - timedelta(minutes=1)
    Execution.objects.filter(pk=execution.pk).update(created_at=long_ago)

    def reason_after_a_turn() -> str:
        Scheduler().turn()
        execution.refresh_from_db()
        return execution.waiting_reason

    assert reason_after_a_turn() == workers.no_worker("gpu")
    client().hset(keys.WORKERS, "w", json.dumps({"queues": ["gpu"], "seen_at": clock.now().timestamp()}))
    assert reason_after_a_turn() == "Waiting for a free worker."
    client().hset(keys.WORKERS, "w", "nonsense")
    assert reason_after_a_turn() == workers.no_worker("gpu")
    said = json.dumps({"queues": ["other"], "seen_at": clock.now().timestamp()})
    client().hset(keys.queue_workers("gpu"), "w", said)
    assert reason_after_a_turn() == "Waiting for a free worker."
    assert workers.served_queues(clock.now(), ["gpu", "other"]) == {"gpu"}, "only where it is heard"


@pytest.mark.django_db
class TestTheAutoscalerSaysWhy:
    @pytest.fixture
    def environment(self) -> Environment:
        return make_environment("gpu", provider="local", scale_max=2)

    @pytest.fixture
    def reason(self, environment: Environment) -> Callable[[], str]:
        execution = make_execution(status=Status.QUEUED, environment=environment)
        Execution.objects.filter(pk=execution.pk).update(created_at=clock.now() - timedelta(minutes=1))

        def after_a_turn() -> str:
            Scheduler().turn()
            execution.refresh_from_db()
            return execution.waiting_reason

        return after_a_turn

    def machine(self, environment: Environment, status: str, **fields: object) -> Machine:
        return Machine.objects.create(environment=environment, provider="local", status=status, **fields)

    def test_nothing_is_known_yet(self, reason):
        assert reason() == workers.no_worker("gpu")

    def test_a_machine_is_being_started(self, environment, reason):
        self.machine(environment, "ready", ready_at=clock.now())
        self.machine(environment, "starting")
        assert reason() == "Starting a machine (1 of at most 2 run)."

    def test_the_providers_own_words(self, environment, reason):
        why = "The quota of 4 vCPUs is used. Ask the provider for more."
        self.machine(environment, "failed", is_fault=True, ended_at=clock.now(), reason=why)
        assert reason() == f"No machine could be started: {why} It is tried again."
        self.machine(environment, "ready", ready_at=clock.now() + timedelta(seconds=1))
        assert why not in reason()

    def test_all_work(self, environment, reason):
        for _ in range(2):
            self.machine(environment, "ready", ready_at=clock.now())
        assert reason() == "All 2 machines of the environment work; it may have no more than 2."
        Machine.objects.update(cordoned=True)
        assert reason() == "Its machines are cordoned: they take no new jobs."

    def test_none_are_allowed(self, environment, reason):
        Environment.objects.update(scale_max=0)
        assert reason() == "The environment may have no machines: its maximum is 0."


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 5])
def test_reasons_of_many_environments_are_two_queries(count, django_assert_num_queries):
    environments = [make_environment(provider="local") for _ in range(count)]
    for environment in environments:
        Machine.objects.create(environment=environment, provider="local", status="starting")
    with django_assert_num_queries(2):
        assert len(waiting_words([environment.pk for environment in environments])) == count
