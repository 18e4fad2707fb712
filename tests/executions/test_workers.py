"""Why a queued execution is not picked up."""

import json
from datetime import timedelta

import pytest

from common import clock
from common.redis import client
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
