"""Shapes of organizations and teams."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.rest.links import absolute
from organizations.models import Organization, Team


class OrganizationSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    url = serializers.SerializerMethodField()

    def get_url(self, organization: Organization) -> str:
        return f"{absolute(self.context['request'], 'organization-list')}{organization.pk}/"


class TeamSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.SerializerMethodField()
    organization = serializers.SerializerMethodField()
    members = serializers.SerializerMethodField()

    def get_url(self, team: Team) -> str:
        return absolute(self.context["request"], "team-detail", team_id=team.pk)

    @extend_schema_field(serializers.DictField())
    def get_organization(self, team: Team) -> dict[str, Any]:
        organization = team.organization
        return {"id": organization.pk, "name": organization.name, "username": organization.name}

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_members(self, team: Team) -> list[dict[str, Any]]:
        return [
            {
                "user": {"id": membership.user_id, "username": membership.user.username},
                "ctime": membership.created_at.isoformat().replace("+00:00", "Z"),
                "allow_project_administration": membership.allow_project_administration,
                "is_read_only": membership.is_read_only,
            }
            for membership in team.memberships.all()
        ]
