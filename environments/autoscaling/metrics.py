"""What Prometheus is told of environments, machines and workers: two queries and one look at Redis."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from environments.autoscaling import counts
from environments.autoscaling.selectors import look_or_none, machine_counts
from environments.autoscaling.sharing import SILENT_SECONDS
from environments.models import Environment, redis_queue


def collect() -> Iterator[Metric]:
    yield from _environments_and_queues()
    machines = GaugeMetricFamily(
        "mlops_machines", "Living machines of the autoscaler.", labels=["environment", "status"]
    )
    for slug, status, number in machine_counts():
        machines.add_metric([slug, status], number)
    yield machines
    yield from _counters()


def _environments_and_queues() -> Iterator[Metric]:
    rows = list(
        Environment.objects.order_by("slug").values_list(
            "slug", "kind", "queue_name", "scale_max", "provider"
        )
    )
    limit = GaugeMetricFamily(
        "mlops_machines_maximum", "Machines that an environment may have.", labels=["environment"]
    )
    for slug, _, _, maximum, provider in rows:
        if provider:
            limit.add_metric([slug], maximum)
    yield limit
    queues = sorted({redis_queue(kind, queue) for _, kind, queue, _, _ in rows})
    look = look_or_none(queues)
    up = GaugeMetricFamily("mlops_redis_up", "Whether Redis answers.", value=float(look is not None))
    yield up
    if look is None:
        return
    depth = GaugeMetricFamily("mlops_queue_jobs", "Jobs that wait in a queue for a worker.", labels=["queue"])
    for queue in queues:
        depth.add_metric([queue], look.waiting.get(queue, 0))
    yield depth
    workers = GaugeMetricFamily("mlops_workers", "Workers heard lately.", labels=["queue", "state"])
    seen: Counter[tuple[str, str]] = Counter()
    for agent in look.agents:
        is_busy = agent.identity in look.busy
        if is_busy or look.now - agent.seen_at < SILENT_SECONDS:
            state = "busy" if is_busy else agent.state or "idle"
            seen.update((queue, state) for queue in agent.queues if queue in look.waiting)
    for (queue, state), number in sorted(seen.items()):
        workers.add_metric([queue, state], number)
    yield workers


def _counters() -> Iterator[Metric]:
    launched = CounterMetricFamily(
        "mlops_machine_launches", "Machines that were started.", labels=["environment"]
    )
    failed = CounterMetricFamily(
        "mlops_machine_failures", "Machines that could not be started or were lost.", labels=["environment"]
    )
    of = {counts.LAUNCHED: launched, counts.FAILED: failed}
    for slug, what, number in counts.read():
        if what in of:
            of[what].add_metric([slug], number)
    yield launched
    yield failed
