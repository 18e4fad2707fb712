"""The log as the log viewer reads it: by line number, by search, as a file; and resource use."""

from dataclasses import asdict
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.current import user_of
from common.rest.downloads import attachment
from common.rest.params import boolean
from executions.api import queries
from executions.logs import reader, samples
from executions.logs.search import Query, search
from executions.selectors import get_execution
from peon.protocol import events

DEFAULT_LINES = 1000
MOST_LINES = 20_000
MOST_MATCHES = 5000
ALL_STREAMS = frozenset(events.STREAM_NAMES)
STREAMS = OpenApiParameter("streams", description="Comma-separated: `o` stdout, `e` stderr, `s` status.")


class SegmentSchema(Serializer[Any]):
    k = serializers.ChoiceField(choices=["o", "e", "s"])
    t = serializers.IntegerField(
        help_text="microseconds since 1970 of the first line; each next line is 1 later"
    )
    p = serializers.CharField(help_text="the lines, with newlines between")


class LogWindowSchema(Serializer[Any]):
    total = serializers.IntegerField()
    first_line = serializers.IntegerField()
    segments = SegmentSchema(many=True)


class FoundLineSchema(Serializer[Any]):
    number = serializers.IntegerField()
    time = serializers.IntegerField(help_text="microseconds since 1970")
    stream = serializers.CharField()
    message = serializers.CharField()


class SearchSchema(Serializer[Any]):
    lines = FoundLineSchema(many=True)
    next_after = serializers.IntegerField(help_text="give it as `after_line` to go on")
    finished = serializers.BooleanField()


class LogWindowView(APIView):
    @extend_schema(
        operation_id="executions_log",
        parameters=[
            OpenApiParameter("first_line", int, description="From 0; a negative number counts from the end."),
            OpenApiParameter("limit", int, description="Lines wanted; fewer come when they are very long."),
        ],
        responses=LogWindowSchema,
    )
    def get(self, request: Request, ref: str) -> Response:
        """Lines by number, as the worker sent them."""
        execution = get_execution(user_of(request), ref)
        limit = queries.number(request, "limit", DEFAULT_LINES, least=1, most=MOST_LINES)
        total = reader.line_count(execution)
        first = queries.number(request, "first_line", 0, least=-total)
        first = total + first if first < 0 else first
        segments = reader.read_segments(execution, first, limit)
        end = segments[-1].end_line if segments else 0
        return Response(
            {"total": max(total, end), "first_line": first, "segments": [s.wire() for s in segments]}
        )


class LogSearchView(APIView):
    @extend_schema(
        operation_id="executions_log_search",
        parameters=[
            OpenApiParameter("include", description="Text that a line must contain; case does not matter."),
            OpenApiParameter("exclude", description="Text that a line must not contain."),
            STREAMS,
            OpenApiParameter(
                "after_line", int, description="Number of the line behind which to begin; -1 at first."
            ),
            OpenApiParameter("limit", int),
        ],
        responses=SearchSchema,
    )
    def get(self, request: Request, ref: str) -> Response:
        """Matching lines, a page at a time. A page may be short, even empty, before the search has finished."""
        query = Query(
            include=request.query_params.get("include", ""),
            exclude=request.query_params.get("exclude", ""),
            streams=queries.streams(request) or ALL_STREAMS,
        )
        page = search(
            get_execution(user_of(request), ref),
            query,
            after_line=queries.number(request, "after_line", -1, least=-1),
            limit=queries.number(request, "limit", 500, least=1, most=MOST_MATCHES),
        )
        return Response(
            {
                "lines": [
                    {
                        "number": line.number,
                        "time": line.time,
                        "stream": events.STREAM_NAMES[line.kind],
                        "message": line.message,
                    }
                    for line in page.lines
                ],
                "next_after": page.next_after,
                "finished": page.is_finished,
            }
        )


class LogDownloadView(APIView):
    @extend_schema(
        operation_id="executions_log_download",
        parameters=[
            OpenApiParameter("timestamps", bool, description="Time and stream before each line."),
            STREAMS,
        ],
        responses={(200, "text/plain"): str},
    )
    def get(self, request: Request, ref: str) -> HttpResponseBase:
        """The whole log up to now."""
        execution = get_execution(user_of(request), ref)
        text = reader.iter_text(
            execution,
            timestamps=boolean(request.query_params.get("timestamps")),
            streams=queries.streams(request),
        )
        return attachment(text, f"{execution.project.name}-{execution.counter}.log", "text/plain")


class StatsView(APIView):
    @extend_schema(operation_id="executions_stats", responses={200: {"type": "object"}})
    def get(self, request: Request, ref: str) -> Response:
        """Resource use: the latest values, and minimum, average and maximum for every two minutes."""
        execution = get_execution(user_of(request), ref)
        return Response(
            {
                "version": 2,
                "interval_seconds": samples.INTERVAL_SECONDS,
                "latest": execution.latest_stats,
                "samples": [asdict(sample) for sample in samples.samples_of(execution)],
            }
        )
