"""Teams in the public API, in the shapes that a strictly typed client decodes."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.rest.bodies import validated
from organizations import selectors, services
from organizations.api import serializers
from organizations.api.organizations import USER_ID
from organizations.errors import OrganizationMissing, OrganizationNotFound
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership

TEAM_ID = OpenApiParameter("team_id", OpenApiTypes.UUID, location="path")


class TeamListView(GenericAPIView[Team]):
    """The teams of the organizations that the caller belongs to."""

    serializer_class = serializers.TeamSerializer
    filter_backends = ()
    queryset = Team.objects.none()

    @extend_schema(
        operation_id="teams_list",
        parameters=[OpenApiParameter("organization", OpenApiTypes.STR, description="Id or name of one.")],
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self._wanted(request)) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="teams_create",
        request=serializers.TeamCreate,
        responses={201: serializers.NewTeamSerializer},
    )
    def post(self, request: Request) -> Response:
        given = validated(serializers.TeamCreate, request)
        try:
            organization = selectors.organization_named(request.user, given["organization"])
        except OrganizationNotFound as error:
            raise OrganizationMissing(error.message) from error
        team = services.create_team(organization=organization, actor=user_of(request), name=given["name"])
        shown = serializers.NewTeamSerializer(team, context={"request": request})
        return Response(shown.data, status=status.HTTP_201_CREATED)

    def _wanted(self, request: Request) -> QuerySet[Team]:
        teams = selectors.teams_for(request.user)
        reference = request.query_params.get("organization")
        return teams.filter(organization=_named(request, reference)) if reference else teams


class TeamDetailView(APIView):
    @extend_schema(
        operation_id="teams_retrieve", parameters=[TEAM_ID], responses=serializers.TeamDetailSerializer
    )
    def get(self, request: Request, team_id: UUID) -> Response:
        return Response(_shown(selectors.get_team(request.user, team_id), request))

    @extend_schema(
        operation_id="teams_update",
        parameters=[TEAM_ID],
        request=serializers.TeamRename,
        responses=serializers.TeamDetailSerializer,
    )
    def put(self, request: Request, team_id: UUID) -> Response:
        return self._rename(request, team_id)

    @extend_schema(
        operation_id="teams_partial_update",
        parameters=[TEAM_ID],
        request=serializers.TeamRename,
        responses=serializers.TeamDetailSerializer,
    )
    def patch(self, request: Request, team_id: UUID) -> Response:
        return self._rename(request, team_id)

    @extend_schema(operation_id="teams_destroy", parameters=[TEAM_ID], responses={204: None})
    def delete(self, request: Request, team_id: UUID) -> Response:
        services.delete_team(team=selectors.get_team(request.user, team_id), actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _rename(self, request: Request, team_id: UUID) -> Response:
        team = selectors.get_team(request.user, team_id)
        given = validated(serializers.TeamRename, request)
        team = services.rename_team(team=team, actor=user_of(request), name=given["name"])
        return Response(_shown(team, request))


class TeamMemberListView(GenericAPIView[TeamMembership]):
    serializer_class = serializers.TeamMemberSerializer
    filter_backends = ()
    queryset = TeamMembership.objects.none()

    @extend_schema(operation_id="teams_members_list", parameters=[TEAM_ID])
    def get(self, request: Request, team_id: UUID) -> Response:
        team = selectors.get_team(request.user, team_id)
        page = self.paginate_queryset(team.memberships.select_related("user").order_by("user__username"))
        return self.get_paginated_response(self.get_serializer(page or [], many=True).data)

    @extend_schema(
        operation_id="teams_members_create",
        parameters=[TEAM_ID],
        request=serializers.TeamMemberAdd,
        responses={201: serializers.TeamMemberSerializer},
    )
    def post(self, request: Request, team_id: UUID) -> Response:
        team = selectors.get_team(request.user, team_id)
        given = validated(serializers.TeamMemberAdd, request)
        user = _member(team.organization, given.pop("user")).user
        membership = services.add_team_member(team=team, actor=user_of(request), user=user, **given)
        return Response(self.get_serializer(membership).data, status=status.HTTP_201_CREATED)


class TeamMemberDetailView(APIView):
    @extend_schema(
        operation_id="teams_members_partial_update",
        parameters=[TEAM_ID, USER_ID],
        request=serializers.TeamRights,
        responses=serializers.TeamMemberSerializer,
    )
    def patch(self, request: Request, team_id: UUID, user_id: int) -> Response:
        team = selectors.get_team(request.user, team_id)
        user = selectors.get_member(team.organization, user_id).user
        rights = validated(serializers.TeamRights, request, partial=True)
        membership = services.change_team_member(team=team, actor=user_of(request), user=user, **rights)
        return Response(serializers.TeamMemberSerializer(membership).data)

    @extend_schema(operation_id="teams_members_destroy", parameters=[TEAM_ID, USER_ID], responses={204: None})
    def delete(self, request: Request, team_id: UUID, user_id: int) -> Response:
        team = selectors.get_team(request.user, team_id)
        user = selectors.get_member(team.organization, user_id).user
        services.remove_team_member(team=team, actor=user_of(request), user=user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(team: Team, request: Request) -> Any:
    fresh = selectors.get_team(request.user, team.pk)
    return serializers.TeamDetailSerializer(fresh, context={"request": request}).data


def _named(request: Request, reference: str) -> Organization:
    return selectors.organization_named(request.user, reference)


def _member(organization: Organization, reference: str) -> OrganizationMembership:
    if reference.isascii() and reference.isdigit():
        return selectors.get_member(organization, int(reference))
    return selectors.get_member_by_name(organization, reference)
