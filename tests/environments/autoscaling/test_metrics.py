"""`/metrics`: what Prometheus reads, and who may."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from common import clock
from common.redis import client
from environments.autoscaling import counts
from environments.models import Machine
from executions.models import Execution
from executions.types import Status
from peon.protocol import keys
from tests.environments.autoscaling.scripted import enqueue
from tests.support.factories import make_environment, make_execution

pytestmark = pytest.mark.django_db
TOKEN = "metrics-t0ken"


@pytest.fixture
def _token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def read() -> dict[tuple[Any, ...], float]:
    answer = Client(headers={"Authorization": f"Bearer {TOKEN}"}).get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_without_a_token_in_the_settings_there_is_nothing(alice_browser: Client):
    assert Client().get("/metrics").status_code == 404
    assert Client(headers={"Authorization": "Bearer "}).get("/metrics").status_code == 404
    assert alice_browser.get("/metrics").status_code == 404


@pytest.mark.usefixtures("_token")
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Token metrics-t0ken", "Bearer m\xe9trics"])
def test_nobody_reads_without_the_token(header: str, alice_browser: Client):
    alice_browser.defaults["HTTP_AUTHORIZATION"] = header
    answer = alice_browser.get("/metrics")
    assert answer.status_code == 401
    assert "mlops_" not in answer.content.decode()
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.usefixtures("_token")
def test_what_is_told():
    environment = make_environment("gpu", provider="local", scale_max=7)
    for status in ("ready", "ready", "starting"):
        Machine.objects.create(environment=environment, provider="local", status=status)
    Machine.objects.create(environment=environment, provider="local", status="gone", ended_at=clock.now())
    enqueue("gpu", "a:0", "b:0")
    seen_at = clock.now().timestamp()
    client().hset(
        keys.queue_workers("gpu"), "w1", json.dumps({"queues": ["gpu"], "seen_at": seen_at, "state": "idle"})
    )
    client().hset(keys.queue_workers("gpu"), "w2", json.dumps({"queues": ["gpu"], "seen_at": seen_at}))
    client().hset(keys.WORKERS, "old", json.dumps({"queues": ["gpu"], "seen_at": seen_at - 1000}))
    client().hset(keys.LEASE_HOLDERS, "c:0", "w2")
    waiting = make_execution(status=Status.QUEUED, environment=environment)
    Execution.objects.filter(pk=waiting.pk).update(created_at=clock.now() - timedelta(seconds=90))
    counts.add(counts.Counter({("gpu", counts.LAUNCHED): 4, ("gpu", counts.FAILED): 1}))
    told = read()
    gpu = ("environment", "gpu")
    assert told["mlops_machines", gpu, ("status", "ready")] == 2
    assert told["mlops_machines", gpu, ("status", "starting")] == 1
    assert ("mlops_machines", gpu, ("status", "gone")) not in told
    assert told["mlops_machines_maximum", gpu] == 7
    assert told["mlops_queue_jobs", ("queue", "gpu")] == 2
    assert told["mlops_workers", ("queue", "gpu"), ("state", "idle")] == 1
    assert told["mlops_workers", ("queue", "gpu"), ("state", "busy")] == 1
    assert told["mlops_executions", gpu, ("status", "queued")] == 1
    assert 89 < told["mlops_execution_waiting_seconds", gpu, ("status", "queued")] < 120
    assert told["mlops_machine_launches_total", gpu] == 4
    assert told["mlops_machine_failures_total", gpu] == 1
    assert told[("mlops_redis_up",)] == 1


@pytest.mark.usefixtures("_token")
@pytest.mark.parametrize("count", [1, 8])
def test_the_number_of_environments_costs_no_queries(count: int, django_assert_max_num_queries: Any):
    for _ in range(count):
        Machine.objects.create(
            environment=make_environment(provider="local"), provider="local", status="ready"
        )
    with django_assert_max_num_queries(4):
        read()
