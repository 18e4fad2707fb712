"""Shapes of organizations and teams, as the official clients read them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.rest.links import absolute
from organizations.models import Organization, Team, TeamMembership


class OrganizationSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    username = serializers.CharField(source="name")
    ctime = serializers.DateTimeField(source="created_at")
    url = serializers.SerializerMethodField()

    def get_url(self, organization: Organization) -> str:
        return absolute(self.context["request"], "organization-detail", organization_id=organization.pk)


class OrganizationBriefSerializer(serializers.Serializer[Any]):
    """Some clients read `name`, others `username`."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    username = serializers.CharField(source="name")


class TeamMemberSerializer(serializers.Serializer[Any]):
    user = serializers.SerializerMethodField()
    ctime = serializers.DateTimeField(source="created_at")
    allow_project_administration = serializers.BooleanField()
    is_read_only = serializers.BooleanField()

    @extend_schema_field(serializers.DictField())
    def get_user(self, membership: TeamMembership) -> dict[str, Any]:
        return {"id": membership.user_id, "username": membership.user.username}


class TeamSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    organization = OrganizationBriefSerializer()
    ctime = serializers.DateTimeField(source="created_at")
    url = serializers.SerializerMethodField()

    def get_url(self, team: Team) -> str:
        return absolute(self.context["request"], "team-detail", team_id=team.pk)


class TeamDetailSerializer(TeamSerializer):
    members = TeamMemberSerializer(many=True, source="memberships.all")
