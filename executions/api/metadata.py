"""Metadata of executions: events, series for charts, CSV."""

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.errors import DomainError
from common.rest.downloads import attachment
from executions.api import queries
from executions.api.streaming import json_list
from executions.logs.application import NOTICES
from executions.metadata import store
from executions.metadata.series import DEFAULT_POINTS, MAX_POINTS, series
from executions.metadata.store import TIME_KEY
from executions.metadata.tables import csv_of_execution, csv_of_executions
from executions.selectors import get_execution

MOST_EXECUTIONS = 1000
MOST_SERIES = 200
_CSV = {(200, "text/csv"): str}


class TooManyExecutions(DomainError):
    def __init__(self) -> None:
        super().__init__(f"Ask for at most {MOST_EXECUTIONS} executions at a time.", field="ids")


class IdsInvalid(DomainError):
    def __init__(self) -> None:
        super().__init__("Give `ids` as a list of execution ids.", field="ids")


class MetadataView(APIView):
    @extend_schema(
        operation_id="executions_metadata",
        parameters=[
            OpenApiParameter(
                "first", int, description="Number of the first event, from 0; negative: from the end."
            ),
            OpenApiParameter("limit", int, description="How many events; 0, the default, is all."),
        ],
        responses={200: {"type": "array", "items": {"type": "object"}}},
    )
    def get(self, request: Request, ref: str) -> HttpResponseBase:
        """Every metadata event in order, each with its `_time`."""
        execution = get_execution(user_of(request), ref)
        count = execution.metadata_count
        first = queries.number(request, "first", 0, least=-count)
        limit = queries.number(request, "limit", 0) or None
        events = store.read(execution.pk, first if first >= 0 else count + first, limit)
        return json_list(store.shown(event) for event in events)


class MetadataSeriesView(APIView):
    @extend_schema(
        operation_id="executions_metadata_series",
        parameters=[
            OpenApiParameter(
                "keys", description="Comma-separated; or repeat `key`, for keys that hold a comma."
            ),
            OpenApiParameter("x", description="`_time` (microseconds since 1970), `_index` or any key."),
            OpenApiParameter("points", int, description="About how many points a series may have."),
        ],
        responses={200: {"type": "object"}},
    )
    def get(self, request: Request, ref: str) -> Response:
        """Series of numbers for a chart, reduced so that every extreme stays."""
        execution = get_execution(user_of(request), ref)
        x_key = request.query_params.get("x", TIME_KEY)
        points = queries.number(request, "points", DEFAULT_POINTS, least=10, most=MAX_POINTS)
        found = series(execution, _keys(request), x_key, points)
        return Response(
            {
                "x": x_key,
                "total": execution.metadata_count,
                "keys": sorted(execution.cumulative_metadata),
                "latest": execution.cumulative_metadata,
                "notices": execution.runtime_facts.get(NOTICES, []),
                "series": {key: {"x": s.x, "y": s.y, "count": s.count} for key, s in found.items()},
            }
        )


class MetadataCsvView(APIView):
    @extend_schema(operation_id="executions_metadata_csv", responses=_CSV)
    def get(self, request: Request, ref: str) -> HttpResponseBase:
        """A row per event, a column per key."""
        execution = get_execution(user_of(request), ref)
        name = f"{execution.project.name}-{execution.counter}-metadata.csv"
        return attachment(csv_of_execution(execution), name, "text/csv")


class MultiMetadataCsvView(APIView):
    """The official clients send a body with a GET."""

    post_reads = True

    @extend_schema(
        operation_id="executions_multi_download_metadata_csv",
        parameters=[
            OpenApiParameter("ids", description="Ids of executions; may be repeated or comma-separated.")
        ],
        responses=_CSV,
    )
    def get(self, request: Request) -> HttpResponseBase:
        return self._answer(request)

    @extend_schema(
        operation_id="executions_multi_download_metadata_csv_post",
        request={"application/json": {"type": "object", "properties": {"ids": {"type": "array"}}}},
        responses=_CSV,
    )
    def post(self, request: Request) -> HttpResponseBase:
        return self._answer(request)

    def _answer(self, request: Request) -> HttpResponseBase:
        executions = [get_execution(user_of(request), ref) for ref in _ids(request)]
        return attachment(csv_of_executions(executions), "metadata.csv", "text/csv")


def _keys(request: Request) -> list[str]:
    named = [key for key in request.query_params.get("keys", "").split(",") if key]
    return list(dict.fromkeys([*named, *request.query_params.getlist("key")]))[:MOST_SERIES]


def _ids(request: Request) -> list[str]:
    body: Any = request.data if hasattr(request.data, "get") else {}
    given = body.getlist("ids") if hasattr(body, "getlist") else body.get("ids", [])
    if not isinstance(given, list | tuple) or not all(isinstance(item, str) for item in given):
        raise IdsInvalid
    asked = [*given, *request.query_params.getlist("ids")]
    ids = list(dict.fromkeys(part.strip() for item in asked for part in item.split(",") if part.strip()))
    if len(ids) > MOST_EXECUTIONS:
        raise TooManyExecutions
    return ids
