"""Traces in the public API: the lineage of a file, an execution or a version of a dataset as JSON."""

from json import JSONEncoder
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.current import user_of
from datastores.datasets.selectors import get_version
from datastores.selectors import get_datum
from executions import selectors
from executions.lineage.kinds import Direction, Kind
from executions.lineage.trace import MOST_NEIGHBOURS, MOST_NODES, Limits, trace
from projects.selectors import as_uuid

COMPACT = {"separators": (",", ":"), "ensure_ascii": False}
PARAMETERS = [
    OpenApiParameter(
        "direction", enum=[way.value for way in Direction], description="Up: where it came from. Default: both."
    ),
    OpenApiParameter("depth", OpenApiTypes.INT, description="At most so many edges from the start. Default: any."),
    OpenApiParameter(
        "limit", OpenApiTypes.INT, description=f"Nodes in each direction, up to {MOST_NODES}. Default: {Limits.nodes}."
    ),
    OpenApiParameter(
        "width", OpenApiTypes.INT,
        description=f"The newest neighbours of each node, up to {MOST_NEIGHBOURS}. Default: {Limits.neighbours}.",
    ),
    OpenApiParameter(
        "project", OpenApiTypes.UUID,
        description="On whose pages versions of datasets are, where it has them. Default: the project of the start.",
    ),
]  # fmt: skip
NODE = inline_serializer(
    "TraceNode",
    {
        "id": serializers.UUIDField(),
        "kind": serializers.CharField(
            help_text="`file`, `execution`, `version` (of a dataset) or `address`. More may come."
        ),
        "name": serializers.CharField(),
        "project": serializers.CharField(help_text="Of a version: one that has it; empty if you see none."),
        "url": serializers.CharField(help_text="Its page; empty if there is none for you."),
        "trace_url": serializers.CharField(help_text="The page of the trace that begins there; likewise."),
        "ctime": serializers.DateTimeField(),
        "more_up": serializers.BooleanField(help_text="It came from more than is here."),
        "more_down": serializers.BooleanField(help_text="It was used by more than is here."),
        "size": serializers.IntegerField(required=False),
        "files": serializers.IntegerField(required=False, help_text="Of a version: how many it has."),
        "purged": serializers.BooleanField(required=False),
        "tags": serializers.ListField(child=serializers.CharField(), required=False),
        "counter": serializers.IntegerField(required=False),
        "step": serializers.CharField(required=False),
        "status": serializers.CharField(required=False),
        "deleted": serializers.BooleanField(required=False),
    },
    many=True,
)
EDGE = inline_serializer(
    "TraceEdge",
    {
        "from": serializers.UUIDField(),
        "to": serializers.UUIDField(),
        "name": serializers.CharField(help_text="Of the input; empty for outputs and what is in a version."),
    },
    many=True,
)
TRACE = inline_serializer(
    "Trace",
    {
        "start": serializers.UUIDField(),
        "direction": serializers.CharField(),
        "nodes": NODE,
        "edges": EDGE,
        "truncated": serializers.BooleanField(help_text="Limits left something out; nodes say where."),
    },
)


class DatumTraceView(APIView):
    @extend_schema(operation_id="data-trace", parameters=PARAMETERS, responses=TRACE)
    def get(self, request: Request, datum_id: UUID) -> HttpResponse:
        datum = get_datum(user_of(request), datum_id)
        return _answer(request, Kind.FILE, datum.pk, datum.project_id)


class ExecutionTraceView(APIView):
    @extend_schema(operation_id="executions_trace", parameters=PARAMETERS, responses=TRACE)
    def get(self, request: Request, ref: str) -> HttpResponse:
        execution = selectors.get_execution(user_of(request), ref)
        return _answer(request, Kind.EXECUTION, execution.pk, execution.project_id)


class DatasetVersionTraceView(APIView):
    @extend_schema(operation_id="dataset_versions_trace", parameters=PARAMETERS, responses=TRACE)
    def get(self, request: Request, version_id: UUID) -> HttpResponse:
        version = get_version(user_of(request), version_id)
        return _answer(request, Kind.VERSION, version.pk, version.execution_project_id)


def _answer(request: Request, kind: Kind, node_id: UUID, home: UUID | None) -> HttpResponse:
    asked = request.query_params.get("direction", "")
    direction = Direction(asked) if asked in list(Direction) else Direction.BOTH
    depth = _number(request, "depth", 0, MOST_NODES)
    limits = Limits(
        nodes=_number(request, "limit", 1, MOST_NODES) or Limits.nodes,
        neighbours=_number(request, "width", 1, MOST_NEIGHBOURS) or Limits.neighbours,
        depth=depth,
    )
    home = as_uuid(request.query_params.get("project", "")) or home
    graph = trace(user_of(request), kind, node_id, direction, limits, home=home)
    # Plain values and megabytes of them: what a renderer adds has a price here.
    return JsonResponse(graph, encoder=JSONEncoder, json_dumps_params=COMPACT)


def _number(request: Request, name: str, least: int, most: int) -> int | None:
    """As lenient as the lists: what is no number is as if it was not said."""
    text = request.query_params.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return min(max(int(text), least), most)
