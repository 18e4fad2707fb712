"""Log lines in the shape of the official clients: `events/` and `status-events/`."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.current import user_of
from executions.api import queries
from executions.api.streaming import json_list
from executions.logs import reader
from executions.models import Execution
from executions.selectors import get_execution
from peon.protocol.events import STATUS

DEFAULT_LIMIT = 2000
DEFAULT_STATUS_LIMIT = 100
MOST_STATUS_EVENTS = 10_000
_IN_ONE_PIECE = 5000


class EventSchema(Serializer[Any]):
    time = serializers.CharField(help_text="UTC without a zone, six digits of a second")
    stream = serializers.ChoiceField(choices=["stdout", "stderr", "status"])
    message = serializers.CharField()


class EventsSchema(Serializer[Any]):
    total = serializers.IntegerField()
    truncated = serializers.BooleanField(help_text="there are more lines than were asked for")
    limit = serializers.IntegerField()
    events = EventSchema(many=True)


class StatusEventsSchema(Serializer[Any]):
    total = serializers.IntegerField()
    status_events = EventSchema(many=True)


class EventsView(APIView):
    @extend_schema(
        operation_id="executions_events",
        parameters=[OpenApiParameter("limit", int, description="How many of the last lines; 0 is all.")],
        responses=EventsSchema,
    )
    def get(self, request: Request, ref: str) -> HttpResponseBase:
        """The last lines of the log, oldest first."""
        execution = get_execution(user_of(request), ref)
        limit = queries.number(request, "limit", DEFAULT_LIMIT)
        total = reader.line_count(execution)
        first = max(0, total - limit) if limit else 0
        body: dict[str, Any] = {"total": total, "truncated": first > 0, "limit": limit}
        lines = _events(execution, first, total)
        if total - first <= _IN_ONE_PIECE:
            return Response({**body, "events": list(lines)})
        return json_list(lines, before=json.dumps(body)[:-1] + ',"events":', after="}")


class StatusEventsView(APIView):
    @extend_schema(
        operation_id="executions_status_events",
        parameters=[OpenApiParameter("limit", int, description="How many of the first status lines.")],
        responses=StatusEventsSchema,
    )
    def get(self, request: Request, ref: str) -> Response:
        """The first status lines: what the platform said of the run."""
        execution = get_execution(user_of(request), ref)
        limit = queries.number(request, "limit", DEFAULT_STATUS_LIMIT, most=MOST_STATUS_EVENTS)
        found = reader.first_lines(execution, limit or MOST_STATUS_EVENTS, {STATUS})
        lines = [event for segment in found for event in reader.shown(segment)]
        return Response({"total": len(lines), "status_events": lines})


def _events(execution: Execution, first: int, end: int) -> Iterator[dict[str, Any]]:
    for segments in reader.walk(execution.pk, first, end):
        for segment in segments:
            yield from reader.shown(segment)
