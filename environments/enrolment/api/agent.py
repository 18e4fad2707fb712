"""What agents ask on their own behalf: to be let in, that they live, and what `peon doctor` needs."""

import logging
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpRequest, JsonResponse

from accounts.throttling import ENROLMENTS
from common import clock
from common.files import presign_get
from common.network import client_address
from common.rest.links import base_url
from common.rest.plain import PlainView, json_body
from environments.enrolment import distribution, redis_users, services
from environments.enrolment.api.bodies import enrolment_from, instance_from, presence_from
from environments.enrolment.authentication import worker_of
from environments.enrolment.models import WorkerCredential
from environments.enrolment.types import HELLO_SECONDS
from environments.workers import worker_from

logger = logging.getLogger(__name__)
PROBE_FILE = "health/for-workers"


class EnrolView(PlainView):
    """Nobody is known yet: the token is all the proof, and wrong ones are counted by address."""

    def admit(self, request: HttpRequest, **kwargs: Any) -> None:
        return

    def post(self, request: HttpRequest) -> JsonResponse:
        given = enrolment_from(json_body(request))
        attempt = ENROLMENTS.count(given["token"], client_address(request))
        enrolled = services.enrol(**given)
        attempt.forgive()
        return JsonResponse(
            {
                "workers": [
                    {
                        "identity": one.identity,
                        "secret": one.secret,
                        "redis_url": redis_users.url_for(one.identity, one.secret),
                    }
                    for one in enrolled.workers
                ],
                "queues": [enrolled.queue],
                "app_url": base_url(request),
                "agent": distribution.offer(base_url(request)),
            }
        )


class WorkerView(PlainView):
    """`Authorization: Worker <identity>.<secret>`."""

    worker: WorkerCredential

    def admit(self, request: HttpRequest, **kwargs: Any) -> None:
        self.worker = worker_of(request.headers.get("Authorization", ""))


class HelloView(WorkerView):
    """Said at the start and every few seconds; the answer says what the agent should be."""

    def post(self, request: HttpRequest) -> JsonResponse:
        body, environment = json_body(request), self.worker.environment
        described = worker_from(body)
        services.hear_worker(
            credential=self.worker, presence=presence_from(body, described.host), worker=described
        )
        return JsonResponse(
            {
                "hello_seconds": HELLO_SECONDS,
                "queues": [environment.queue_name],
                "agent": distribution.offer(base_url(request)) if environment.agents_update else None,
            }
        )


class ByeView(WorkerView):
    def post(self, request: HttpRequest) -> JsonResponse:
        services.let_go(credential=self.worker, instance=instance_from(json_body(request)))
        return JsonResponse({})


class ProbeView(WorkerView):
    """For `peon doctor`: the application's clock, that it knows the worker, and a file of its storage to read."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(
            {
                "time": clock.now().timestamp(),
                "identity": self.worker.worker.identity,
                "queues": [self.worker.environment.queue_name],
                "store": _readable_file(base_url(request)),
            }
        )


def _readable_file(address: str) -> dict[str, Any] | None:
    """Where the worker reads a few bytes of the installation's storage; None while the storage is in trouble itself."""
    try:
        if not default_storage.exists(PROBE_FILE):
            default_storage.save(PROBE_FILE, ContentFile(b"reachable\n"))
        grant = presign_get(PROBE_FILE, filename="probe.txt", base_url=address)
    except Exception:  # each backend raises errors of its own
        logger.exception("no file for workers to try the storage with")
        return None
    return {"url": grant.url, "headers": grant.headers}
