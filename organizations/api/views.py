"""Organizations and teams of the caller."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from organizations import selectors
from organizations.api.serializers import OrganizationSerializer, TeamSerializer
from organizations.models import Organization, Team


class OrganizationListView(ListAPIView[Any]):
    serializer_class = OrganizationSerializer
    queryset = Organization.objects.none()

    def get_queryset(self) -> QuerySet[Organization]:
        return selectors.organizations_for(user_of(self.request))


class TeamListView(ListAPIView[Any]):
    serializer_class = TeamSerializer
    queryset = Team.objects.none()

    def get_queryset(self) -> QuerySet[Team]:
        return (
            selectors.teams_for(user_of(self.request)).prefetch_related("memberships__user").order_by("name")
        )


class TeamDetailView(APIView):
    @extend_schema(operation_id="teams-retrieve", responses=TeamSerializer)
    def get(self, request: Request, team_id: UUID) -> Response:
        team = selectors.get_team(user_of(request), team_id)
        return Response(TeamSerializer(team, context={"request": request}).data)
