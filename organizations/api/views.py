"""Organizations and teams in the public API: reads only."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from organizations import selectors
from organizations.api.serializers import OrganizationSerializer, TeamDetailSerializer, TeamSerializer
from organizations.models import Organization, Team


class OrganizationListView(ListAPIView[Any]):
    """The organizations that the caller belongs to."""

    serializer_class = OrganizationSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Organization]:
        return selectors.organizations_for(self.request.user)


class OrganizationDetailView(APIView):
    @extend_schema(
        operation_id="organizations_retrieve",
        parameters=[OpenApiParameter("organization_id", OpenApiTypes.INT, location="path")],
        responses=OrganizationSerializer,
    )
    def get(self, request: Request, organization_id: int) -> Response:
        organization = selectors.get_organization(request.user, organization_id)
        return Response(OrganizationSerializer(organization, context={"request": request}).data)


class TeamListView(ListAPIView[Any]):
    """The teams of the organizations that the caller belongs to."""

    serializer_class = TeamSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Team]:
        return selectors.teams_for(self.request.user)


class TeamDetailView(APIView):
    @extend_schema(operation_id="teams_retrieve", responses=TeamDetailSerializer)
    def get(self, request: Request, team_id: UUID) -> Response:
        team = selectors.get_team(request.user, team_id)
        return Response(TeamDetailSerializer(team, context={"request": request}).data)
