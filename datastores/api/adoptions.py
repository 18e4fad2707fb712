"""Adopting files of a store: one at once, as the official clients do, or whatever addresses name in the background."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.errors import DomainError
from common.rest.errors import plain_body
from common.rest.links import absolute
from common.rest.pagination import LongListPagination
from common.rest.times import timestamp
from datastores import selectors
from datastores.adoption import rules, services
from datastores.adoption.selectors import adoptions_for, get_adoption, results_of
from datastores.adoption.single import adopt
from datastores.models import Adoption, AdoptionResult
from projects.selectors import as_uuid, get_project

_STORE_ID = OpenApiParameter("store_id", OpenApiTypes.UUID, location="path")
_PROJECT = OpenApiParameter("project", OpenApiTypes.UUID, description="Only those of this project.")
_OUTCOME = OpenApiParameter("outcome", enum=AdoptionResult.Outcome.values, description="Only files with it.")
_LONGEST = rules.LONGEST_ADDRESS


class AdoptionRequest(serializers.Serializer[Any]):
    url = serializers.CharField(
        max_length=_LONGEST, help_text="One file, a wildcard (`*`, `**`), or a folder with its slash."
    )
    project = serializers.CharField(max_length=64)


class AdoptedShape(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    created = serializers.DictField(child=serializers.UUIDField(), help_text="Address -> id of the file.")
    adoption = serializers.UUIDField(
        allow_null=True, help_text="Of a wildcard or folder: the adoption that looks for its files."
    )


class AdoptionStart(serializers.Serializer[Any]):
    project = serializers.CharField(max_length=64)
    store = serializers.UUIDField()
    urls = serializers.ListField(
        child=serializers.CharField(max_length=_LONGEST),
        max_length=rules.MOST_ADDRESSES,
        help_text="Addresses of files, folders with their slash, wildcards (`*`, `**`).",
    )


class AdoptionShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    project = serializers.UUIDField()
    store = serializers.UUIDField()
    creator = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(Adoption.State.choices)
    problem = serializers.CharField(help_text="Why it failed.")
    urls = serializers.ListField(child=serializers.CharField(), help_text="The first hundred.")
    url_count = serializers.IntegerField()
    done_url_count = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Files by outcome.")
    ctime = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    url = serializers.URLField()


class AdoptionResultShape(serializers.Serializer[Any]):
    url = serializers.CharField()
    outcome = serializers.ChoiceField(AdoptionResult.Outcome.choices)
    datum = serializers.UUIDField(allow_null=True)
    message = serializers.CharField()
    code = serializers.CharField(allow_null=True)


class StoreAdoptView(APIView):
    """Files that are in the store already become files of a project."""

    @extend_schema(
        operation_id="stores-adopt",
        parameters=[_STORE_ID],
        request=AdoptionRequest,
        responses={200: AdoptedShape, 202: AdoptedShape},
    )
    def post(self, request: Request, store_id: UUID) -> Response:
        given = _validated(AdoptionRequest, request)
        user, url = user_of(request), given["url"]
        store = selectors.get_store(user, store_id)
        project = get_project(user, given["project"])
        if rules.names_many(url):
            adoption = services.start(project=project, store=store, actor=user, addresses=[url])
            body = {"ok": True, "created": {}, "adoption": str(adoption.pk)}
            return Response(body, status=status.HTTP_202_ACCEPTED)
        try:
            datum = adopt(store=store, project=project, actor=user, uri=url)
        except DomainError as problem:
            return Response(plain_body(problem.message, problem.code), status=problem.http_status)
        return Response({"ok": True, "created": {url.strip(): str(datum.pk)}, "adoption": None})


class AdoptionListView(GenericAPIView[Adoption]):
    serializer_class = AdoptionShape
    filter_backends = ()
    queryset = Adoption.objects.none()

    @extend_schema(operation_id="adoptions-list", parameters=[_PROJECT], responses=AdoptionShape(many=True))
    def get(self, request: Request) -> Response:
        adoptions = adoptions_for(request.user)
        wanted = request.query_params.get("project")
        if wanted:
            adoptions = adoptions.filter(project_id=as_uuid(wanted) or UUID(int=0))
        page = self.paginate_queryset(adoptions) or []
        return self.get_paginated_response([represent(adoption, request) for adoption in page])

    @extend_schema(operation_id="adoptions-create", request=AdoptionStart, responses={201: AdoptionShape})
    def post(self, request: Request) -> Response:
        """Start one; it goes on in the background."""
        given = _validated(AdoptionStart, request)
        adoption = services.start(
            project=get_project(user_of(request), given["project"]),
            store=selectors.get_store(user_of(request), given["store"]),
            actor=user_of(request),
            addresses=given["urls"],
        )
        return Response(represent(adoption, request), status=status.HTTP_201_CREATED)


class AdoptionDetailView(APIView):
    @extend_schema(operation_id="adoptions-retrieve", responses=AdoptionShape)
    def get(self, request: Request, adoption_id: UUID) -> Response:
        return Response(represent(get_adoption(user_of(request), adoption_id), request))


class AdoptionResultsView(GenericAPIView[AdoptionResult]):
    """What became of each file; of each outcome the first 50,000 are kept."""

    serializer_class = AdoptionResultShape
    filter_backends = ()
    pagination_class = LongListPagination
    queryset = AdoptionResult.objects.none()

    @extend_schema(
        operation_id="adoptions-results", parameters=[_OUTCOME], responses=AdoptionResultShape(many=True)
    )
    def get(self, request: Request, adoption_id: UUID) -> Response:
        adoption = get_adoption(user_of(request), adoption_id)
        results: QuerySet[AdoptionResult] = results_of(adoption, request.query_params.get("outcome", ""))
        page = self.paginate_queryset(results) or []
        return self.get_paginated_response([_represent_result(result) for result in page])


class AdoptionCancelView(APIView):
    """Stop it; what was adopted stays."""

    @extend_schema(operation_id="adoptions-cancel", request=None, responses=AdoptionShape)
    def post(self, request: Request, adoption_id: UUID) -> Response:
        adoption = get_adoption(user_of(request), adoption_id)
        return Response(represent(services.cancel(adoption=adoption, actor=user_of(request)), request))


def represent(adoption: Adoption, request: Request) -> dict[str, Any]:
    return {
        "id": str(adoption.pk),
        "project": str(adoption.project_id),
        "store": str(adoption.store_id),
        "creator": adoption.creator.username if adoption.creator else None,
        "state": adoption.state,
        "problem": adoption.problem,
        "urls": adoption.addresses[:100],
        "url_count": len(adoption.addresses),
        "done_url_count": adoption.address_number,
        "counts": adoption.counts,
        "ctime": timestamp(adoption.created_at),
        "ended_at": timestamp(adoption.ended_at) if adoption.ended_at else None,
        "url": absolute(request, "adoption-detail", adoption_id=adoption.pk),
    }


def _represent_result(result: AdoptionResult) -> dict[str, Any]:
    return {
        "url": result.uri,
        "outcome": result.outcome,
        "datum": str(result.datum_id) if result.datum_id else None,
        "message": result.message,
        "code": result.code or None,
    }


def _validated(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
