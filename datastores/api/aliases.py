"""Aliases: names of files that can be moved, and what they have meant."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from datastores import selectors, services
from datastores.aliases import moves_of
from datastores.api import serializers
from datastores.api.filters import ALIAS_PARAMETERS, filter_aliases
from datastores.api.serializers import validated
from datastores.models import DatumAlias, DatumAliasMove
from projects.selectors import get_project


class AliasListView(ListAPIView[Any]):
    serializer_class = serializers.DatumAliasSerializer
    filter_backends = ()
    queryset = DatumAlias.objects.none()

    @extend_schema(operation_id="datum-aliases-list", parameters=ALIAS_PARAMETERS)
    def get(self, request: Request) -> Response:
        return self.list(request)

    def get_queryset(self) -> QuerySet[DatumAlias]:
        aliases = selectors.aliases_for(self.request.user).prefetch_related("datum__aliases")
        return filter_aliases(aliases, self.request)

    @extend_schema(
        operation_id="datum-aliases-set",
        request=serializers.AliasRequestSerializer,
        responses={201: serializers.DatumAliasSerializer},
    )
    def post(self, request: Request) -> Response:
        """Create the alias, or point it to another file."""
        wanted = validated(serializers.AliasRequestSerializer, request)
        project = get_project(user_of(request), wanted["project"])
        datum = selectors.get_datum(user_of(request), wanted["datum"])
        alias = services.set_alias(project=project, actor=user_of(request), name=wanted["name"], datum=datum)
        return Response(_shown(alias, request), status=201)


class AliasDetailView(APIView):
    @extend_schema(operation_id="datum-aliases-retrieve", responses=serializers.DatumAliasSerializer)
    def get(self, request: Request, alias_id: UUID) -> Response:
        return Response(_shown(selectors.get_alias(user_of(request), alias_id), request))

    @extend_schema(
        operation_id="datum-aliases-update",
        request=serializers.AliasChangeSerializer,
        responses=serializers.DatumAliasSerializer,
    )
    def put(self, request: Request, alias_id: UUID) -> Response:
        """Point it to another file."""
        return self._move(request, alias_id)

    @extend_schema(
        operation_id="datum-aliases-partial-update",
        request=serializers.AliasChangeSerializer,
        responses=serializers.DatumAliasSerializer,
    )
    def patch(self, request: Request, alias_id: UUID) -> Response:
        """The same."""
        return self._move(request, alias_id)

    @extend_schema(operation_id="datum-aliases-destroy", responses={204: None})
    def delete(self, request: Request, alias_id: UUID) -> Response:
        alias = selectors.get_alias(user_of(request), alias_id)
        services.delete_alias(alias=alias, actor=user_of(request))
        return Response(status=204)

    def _move(self, request: Request, alias_id: UUID) -> Response:
        alias = selectors.get_alias(user_of(request), alias_id)
        wanted = validated(serializers.AliasChangeSerializer, request)
        datum = selectors.get_datum(user_of(request), wanted["datum"])
        moved = services.set_alias(
            project=alias.project, actor=user_of(request), name=alias.name, datum=datum
        )
        return Response(_shown(moved, request))


class AliasHistoryView(GenericAPIView[DatumAliasMove]):
    """Every change of what the alias means, newest first."""

    serializer_class = serializers.AliasMoveSerializer
    filter_backends = ()
    queryset = DatumAliasMove.objects.none()

    @extend_schema(operation_id="datum-aliases-history", responses=serializers.MOVE_SHAPE)
    def get(self, request: Request, alias_id: UUID) -> Response:
        alias = selectors.get_alias(user_of(request), alias_id)
        page = self.paginate_queryset(moves_of(alias)) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class AliasResolveView(APIView):
    @extend_schema(operation_id="datum-aliases-resolve", responses=serializers.DatumAliasSerializer)
    def get(self, request: Request) -> Response:
        parameters = request.query_params
        alias = selectors.resolve_alias(
            user_of(request), parameters.get("project"), parameters.get("name", "")
        )
        return Response(_shown(alias, request))


def _shown(alias: DatumAlias, request: Request) -> Any:
    return serializers.DatumAliasSerializer(alias, context={"request": request}).data
