"""What Prometheus is told of executions: one query on the partial index of unfinished ones."""

from collections.abc import Iterator

from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily, Metric

from common import clock
from executions.models import Execution
from executions.types import WAITING


def collect() -> Iterator[Metric]:
    unfinished = Execution.objects.filter(ended_at__isnull=True).values_list("environment__slug", "status")
    rows = list(
        unfinished.annotate(number=Count("pk"), oldest=Min("created_at")).order_by(
            "environment__slug", "status"
        )
    )
    executions = GaugeMetricFamily(
        "mlops_executions", "Executions without an end.", labels=["environment", "status"]
    )
    waiting = GaugeMetricFamily(
        "mlops_execution_waiting_seconds",
        "How long the oldest execution waits.",
        labels=["environment", "status"],
    )
    now = clock.now()
    for slug, status, number, oldest in rows:
        executions.add_metric([slug, status], number)
        if status in WAITING:
            waiting.add_metric([slug, status], (now - oldest).total_seconds())
    yield executions
    yield waiting
