"""Executions in the public API: parse, ask, answer."""

from dataclasses import asdict

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.errors import DomainError
from common.rest.pagination import LongListPagination
from common.rest.params import names
from executions import selectors, services
from executions.api import filters, schemas
from executions.api.create import ExecutionCreateSerializer
from executions.api.detail import outputs, represent_detail
from executions.api.links import Links
from executions.api.representation import BULKY_COLUMNS, represent, row_fields
from executions.models import Execution
from executions.reproduction import Weight, differences
from executions.variables import read_known_variables
from projects.selectors import get_project

REFERENCE = OpenApiParameter(
    "ref", location="path", description="Id, `<project id>:<number>` or `<project id>:latest`."
)
EXCLUDE = OpenApiParameter("exclude", description="Comma-separated names of fields to leave out.")


class ExecutionListView(GenericAPIView[Execution]):
    serializer_class = schemas.ExecutionRow
    filter_backends = ()
    pagination_class = LongListPagination
    queryset = Execution.objects.none()

    @extend_schema(operation_id="executions_list", parameters=filters.PARAMETERS)
    def get(self, request: Request) -> Response:
        include, exclude = names(request, "include"), names(request, "exclude")
        fields = row_fields(include, exclude)
        rows = filters.listed(user_of(request), request, _row_columns(Execution.objects.all(), include))
        page = self.paginate_queryset(rows) or []  # type: ignore[arg-type]
        if "environment_variables" in fields:
            read_known_variables(page)
        links = Links(request)
        return self.get_paginated_response([represent(execution, fields, links) for execution in page])

    @extend_schema(
        operation_id="executions_create",
        request=ExecutionCreateSerializer,
        responses={201: schemas.ExecutionDetail},
    )
    def post(self, request: Request) -> Response:
        body = ExecutionCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user, origin = user_of(request), body.validated_data.get("copied_from")
        execution = services.create_execution(
            actor=user,
            project=get_project(user, body.validated_data["project"]),
            spec=body.spec(),
            copied_from=selectors.get_execution(user, str(origin)) if origin else None,
        )
        known_here = frozenset({"environment_variables", "events", "metadata", "outputs"})
        shown = {
            **represent_detail(execution, request, known_here),
            "environment_variables": execution.environment_variables,  # as whoever creates it has just said
            "events": [],
            "metadata": [],
            "outputs": [],
        }
        return Response(shown, status=status.HTTP_201_CREATED)


class ExecutionDetailView(APIView):
    @extend_schema(
        operation_id="executions_retrieve", parameters=[REFERENCE, EXCLUDE], responses=schemas.ExecutionDetail
    )
    def get(self, request: Request, ref: str) -> Response:
        execution = selectors.get_execution(user_of(request), ref)
        return Response(represent_detail(execution, request, names(request, "exclude")))

    @extend_schema(
        operation_id="executions_partial_update",
        parameters=[REFERENCE],
        request=schemas.ExecutionChange,
        responses=schemas.ExecutionDetail,
    )
    def patch(self, request: Request, ref: str) -> Response:
        return self._change(request, ref)

    @extend_schema(
        operation_id="executions_update",
        parameters=[REFERENCE],
        request=schemas.ExecutionChange,
        responses=schemas.ExecutionDetail,
    )
    def put(self, request: Request, ref: str) -> Response:
        return self._change(request, ref)

    @extend_schema(operation_id="executions_destroy", parameters=[REFERENCE], responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        services.delete_execution(
            execution=selectors.get_execution(user_of(request), ref), actor=user_of(request)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, ref: str) -> Response:
        execution = selectors.get_execution(user_of(request), ref)
        body = schemas.ExecutionChange(data=request.data)
        body.is_valid(raise_exception=True)
        if "title" in body.validated_data:
            services.set_title(
                execution=execution, actor=user_of(request), title=body.validated_data["title"]
            )
        if "tags" in body.validated_data:
            services.set_tags(execution=execution, actor=user_of(request), tags=body.validated_data["tags"])
        return Response(represent_detail(execution, request, names(request, "exclude")))


class ExecutionStopView(APIView):
    @extend_schema(
        operation_id="executions_stop", parameters=[REFERENCE], request=None, responses=schemas.Message
    )
    def post(self, request: Request, ref: str) -> Response:
        """Stop it; a second call ends it at once. Nothing happens to an execution that has ended."""
        services.stop_execution(
            execution=selectors.get_execution(user_of(request), ref), actor=user_of(request)
        )
        return Response({"message": "OK"})


class ExecutionTagsView(APIView):
    @extend_schema(
        operation_id="executions_tags", parameters=[REFERENCE], request=schemas.Tags, responses=schemas.Tags
    )
    def post(self, request: Request, ref: str) -> Response:
        """Add tags to those it has."""
        execution = selectors.get_execution(user_of(request), ref)
        body = schemas.Tags(data=request.data)
        body.is_valid(raise_exception=True)
        services.add_tags(execution=execution, actor=user_of(request), tags=body.validated_data["tags"])
        return Response({"tags": execution.tags})


class ExecutionOutputsView(APIView):
    @extend_schema(
        operation_id="executions_outputs",
        parameters=[
            REFERENCE,
            OpenApiParameter("include", description="`download_url` adds signed addresses."),
        ],
        responses={200: {"type": "array", "items": {"type": "object"}}},
    )
    def get(self, request: Request, ref: str) -> Response:
        return Response(outputs(selectors.get_execution(user_of(request), ref), request))


class ExecutionSpecView(APIView):
    @extend_schema(operation_id="executions_spec", parameters=[REFERENCE], responses=schemas.ExecutionPayload)
    def get(self, request: Request, ref: str) -> Response:
        """The body of a creation that repeats the execution."""
        return Response(services.payload_from(selectors.get_execution(user_of(request), ref)))


class ExecutionReproductionView(APIView):
    @extend_schema(
        operation_id="executions_reproduction", parameters=[REFERENCE], responses=schemas.Reproduction
    )
    def get(self, request: Request, ref: str) -> Response:
        """The body of a creation that repeats the execution, and what would be different today."""
        execution = selectors.get_execution(user_of(request), ref)
        found = differences(user_of(request), execution)
        return Response(
            {
                "spec": services.payload_from(execution),
                "possible": not any(item.weight is Weight.BLOCKS for item in found),
                "differences": [asdict(item) for item in found],
            }
        )


class NotebooksUnavailable(DomainError):
    code = "not_implemented"
    http_status = 501

    def __init__(self) -> None:
        super().__init__(
            "This installation does not run notebooks. Run a step that starts one, for example with the command "
            "'jupyter lab --no-browser'."
        )


class NotebookExecutionsView(APIView):
    @extend_schema(
        operation_id="notebook_executions_create",
        request={"application/json": {"type": "object"}},
        responses={501: schemas.Message},
    )
    def post(self, request: Request) -> Response:
        raise NotebooksUnavailable


def _row_columns(executions: QuerySet[Execution], include: frozenset[str]) -> QuerySet[Execution]:
    """Only the columns that the wanted fields read."""
    read = {*include, *(column for name, column in _READS_BESIDE.items() if name in include)}
    unread = [column for column in BULKY_COLUMNS if column not in read]
    return selectors.with_alert_count(selectors.with_shared_related(executions)).defer(*unread)


_READS_BESIDE = {
    "stop_expression": "runtime_config",
    "alerts": "runtime_facts",
    "environment_variables": "environment_variable_groups",
}
"""Field -> the column that it reads beside one of its own name."""
