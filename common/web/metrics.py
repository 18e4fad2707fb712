"""`/metrics` for Prometheus, with a token of its own. Apps say in `sources` what they measure."""

import hmac
from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

sources: list[Callable[[], Iterable[Metric]]] = []
"""Each reads what it tells when it is asked; whoever asks less often costs less."""


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Not there without METRICS_TOKEN: the numbers tell who works how much on what."""
    if not settings.METRICS_TOKEN:
        raise Http404("Set METRICS_TOKEN to have metrics.")
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        answer = HttpResponse("Send the header 'Authorization: Bearer <METRICS_TOKEN>'.", status=401)
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    registry = CollectorRegistry()
    registry.register(_Sources())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Sources(Collector):
    def collect(self) -> Iterator[Metric]:
        for source in sources:
            yield from source()

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked for when it is registered."""
        return []
