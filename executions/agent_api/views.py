"""The workers' API: `Authorization: Job <token>`, JSON in and out, errors in the one error shape.

Plain Django views: a claim is part of the time between "run" and the first line of a job.
"""

import hmac
import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse

from common.errors import DomainError
from common.rest.links import base_url
from common.rest.plain import PlainView, json_body
from datastores.reservations import reservation_body
from datastores.uploads import finish_parts, renew
from environments.enrolment.types import CREDENTIAL_HEADER
from environments.workers import worker_from
from executions import services
from executions.agent_api import attempts, placement
from executions.agent_api.bodies import cursor_from, parts_from, report_from, uploads_from
from executions.agent_api.inputs import input_entries, page_of_files, requested_inputs
from executions.agent_api.secrets import masker_of
from executions.errors import InputUnavailable, TokenRefused
from executions.queue import job_token

SCHEME = "job"


class JobView(PlainView):
    """Checks the token of the attempt, then lets the view answer with a JSON-able value."""

    def admit(self, request: HttpRequest, **kwargs: Any) -> None:
        check_token(request, kwargs["execution_id"], kwargs["epoch"])

    def headers_of(self, error: DomainError) -> dict[str, str]:
        return {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, InputUnavailable) else {}


class ClaimView(JobView):
    def post(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        details = attempts.claim(
            execution_id=execution_id,
            epoch=epoch,
            worker=worker_from(json_body(request)),
            base_url=base_url(request),
            credential=request.headers.get(CREDENTIAL_HEADER, ""),
        )
        return JsonResponse(details)


class PlacementView(JobView):
    """For a dispatcher: what a cluster has to be asked for. 409: the attempt waits no more."""

    def post(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        return JsonResponse(placement.placement_of(attempts.current_attempt(execution_id, epoch)))


class PlacementReportView(JobView):
    """For a dispatcher: why the job waits, that the cluster refuses it, or that its machine is gone."""

    def post(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        state, text = report_from(json_body(request))
        placement.report(attempts.current_attempt(execution_id, epoch), state, text)
        return JsonResponse({})


class CursorView(JobView):
    http_method_names = ["get"]

    def get(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        execution = attempts.current_attempt(execution_id, epoch)
        return JsonResponse(
            {
                "next_seq": execution.next_seq,
                "next_line": execution.log_line_count,
                "final": execution.is_final,
            }
        )


class UploadsView(JobView):
    def post(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        body = json_body(request)
        files = uploads_from(body)
        execution = attempts.running_attempt(execution_id, epoch)
        reserved = attempts.reserve(
            execution, files, base_url(request), sender_knows_parts=body.get("parts") is True
        )
        return JsonResponse({"uploads": [reservation_body(one) for one in reserved]})


class RenewUploadView(JobView):
    """Fresh addresses for an upload that took longer than the first ones are good for."""

    def post(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        datum_id = str(json_body(request).get("datum_id"))
        datum = attempts.reservation_of(attempts.running_attempt(execution_id, epoch), datum_id)
        return JsonResponse(reservation_body(renew(datum, base_url=base_url(request))))


class FinishUploadView(JobView):
    """Every part of an upload is in the store."""

    def post(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        body = json_body(request)
        etags = parts_from(body)
        execution = attempts.running_attempt(execution_id, epoch)
        finish_parts(attempts.reservation_of(execution, str(body.get("datum_id"))), etags)
        return JsonResponse({})


class InputsView(JobView):
    def post(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        execution = attempts.running_attempt(execution_id, epoch)
        return JsonResponse({"inputs": input_entries(execution, base_url(request))})


class InputFilesView(JobView):
    """The next page of the inputs' files; an earlier one asked for again has fresh addresses."""

    def post(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        body = json_body(request)
        cursor = cursor_from(body)
        execution = attempts.running_attempt(execution_id, epoch)
        page = page_of_files(execution, cursor, base_url(request), one_by_one=body.get("one_by_one") is True)
        return JsonResponse(page)


class InputRequestView(JobView):
    """For the user's own code, through api.json; hence the list as an answer."""

    http_method_names = ["get", "post"]

    def post(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        execution = attempts.running_attempt(execution_id, epoch)
        found = requested_inputs(execution, request.GET.getlist("inputs"), base_url(request))
        return JsonResponse(found, safe=False)

    get = post


class StatusDetailView(JobView):
    """For the user's own code, through api.json."""

    def post(self, request: HttpRequest, execution_id: UUID, epoch: int) -> JsonResponse:
        detail = json_body(request).get("status_detail", "")
        text = detail if isinstance(detail, str) else json.dumps(detail)
        execution = attempts.running_attempt(execution_id, epoch)
        shown = masker_of(execution).mask_text(text)
        services.set_status_detail(execution=execution, text=shown)
        return JsonResponse({"status_detail": shown})


def check_token(request: HttpRequest, execution_id: UUID, epoch: int) -> None:
    """Raises `TokenRefused` unless the header carries the token of exactly this attempt."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = job_token(execution_id, epoch)
    # Compared as bytes: text with other characters than ASCII would raise.
    if scheme.lower() != SCHEME or not hmac.compare_digest(token.strip().encode(), expected.encode()):
        raise TokenRefused
