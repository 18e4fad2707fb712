"""Shapes of organizations, members, teams and invitations, as the official clients read and write them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.rest.links import absolute
from organizations.api import hooks
from organizations.invitations import State, state_of
from organizations.models import Invitation, Organization, OrganizationMembership, Team, TeamMembership

ROLES = OrganizationMembership.Role.choices


class UserShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class OrganizationSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    username = serializers.CharField(source="name")
    ctime = serializers.DateTimeField(source="created_at")
    url = serializers.SerializerMethodField()

    def get_url(self, organization: Organization) -> str:
        return absolute(self.context["request"], "organization-detail", organization_id=organization.pk)


class OrganizationSettings(serializers.Serializer[Any]):
    require_2fa = serializers.BooleanField()
    max_token_lifetime_days = serializers.IntegerField(allow_null=True)
    forbid_personal_projects = serializers.BooleanField()
    forbid_public_stores = serializers.BooleanField()
    auto_accept_invitations = serializers.BooleanField()
    default_debug_port = serializers.IntegerField(allow_null=True)
    default_environment = serializers.CharField(
        source="default_environment_slug", max_length=128, allow_blank=True, help_text="a slug; empty: none"
    )
    default_store = serializers.UUIDField(source="default_store_id", allow_null=True)


class OrganizationDetailSerializer(OrganizationSerializer, OrganizationSettings):
    """With the settings, which concern every member."""


class OrganizationCreate(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=64)


class OrganizationBriefSerializer(serializers.Serializer[Any]):
    """Some clients read `name`, others `username`."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    username = serializers.CharField(source="name")


class TeamReference(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class MemberSerializer(serializers.Serializer[Any]):
    """`email`, `last_active_at` and `has_2fa` are told to owners of the organization only; to others they are null."""

    user = serializers.SerializerMethodField()
    role = serializers.ChoiceField(ROLES)
    teams = serializers.SerializerMethodField()
    ctime = serializers.DateTimeField(source="created_at")
    email = serializers.SerializerMethodField()
    last_active_at = serializers.SerializerMethodField()
    has_2fa = serializers.SerializerMethodField()

    @extend_schema_field(UserShape)
    def get_user(self, membership: OrganizationMembership) -> dict[str, Any]:
        return {"id": membership.user_id, "username": membership.user.username}

    @extend_schema_field(TeamReference(many=True))
    def get_teams(self, membership: Any) -> list[dict[str, Any]]:
        return [{"id": str(row.team_id), "name": row.team.name} for row in membership.user.teams_here]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_email(self, membership: OrganizationMembership) -> str | None:
        return membership.user.email if self.context["administers"] else None

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_last_active_at(self, membership: OrganizationMembership) -> str | None:
        seen = membership.user.last_active_at
        if seen is None or not self.context["administers"]:
            return None
        return serializers.DateTimeField().to_representation(seen)

    @extend_schema_field(serializers.BooleanField(allow_null=True))
    def get_has_2fa(self, membership: Any) -> bool | None:
        return bool(membership.has_2fa) if self.context["administers"] else None


class RoleChange(serializers.Serializer[Any]):
    role = serializers.ChoiceField(ROLES)


class TeamMemberSerializer(serializers.Serializer[Any]):
    user = serializers.SerializerMethodField()
    ctime = serializers.DateTimeField(source="created_at")
    allow_project_administration = serializers.BooleanField()
    is_read_only = serializers.BooleanField()

    @extend_schema_field(UserShape)
    def get_user(self, membership: TeamMembership) -> dict[str, Any]:
        return {"id": membership.user_id, "username": membership.user.username}


class TeamRights(serializers.Serializer[Any]):
    allow_project_administration = serializers.BooleanField(required=False)
    is_read_only = serializers.BooleanField(required=False)


class TeamMemberAdd(TeamRights):
    user = serializers.CharField(max_length=64, help_text="id or username of a member of the organization")


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
    projects = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_projects(self, team: Team) -> list[dict[str, Any]]:
        request = self.context["request"]
        return [row for projects in hooks.team_projects for row in projects(team, request)]


class NewTeamSerializer(serializers.Serializer[Any]):
    """The answer to a creation: here `organization` is a number, and there is nothing else."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.SerializerMethodField()
    organization = serializers.IntegerField(source="organization_id")

    def get_url(self, team: Team) -> str:
        return absolute(self.context["request"], "team-detail", team_id=team.pk)


class TeamCreate(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=64)
    organization = serializers.CharField(max_length=64, help_text="id, as a number or as text, or name")


class TeamRename(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=64)


class InvitationSerializer(serializers.Serializer[Any]):
    """The secret of the link is in the letter only."""

    id = serializers.UUIDField()
    email = serializers.CharField()
    role = serializers.ChoiceField(ROLES)
    teams = TeamReference(many=True, source="teams.all")
    inviter = UserShape(allow_null=True)
    ctime = serializers.DateTimeField(source="created_at")
    sent_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    status = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField([(state.value, state.value) for state in State]))
    def get_status(self, invitation: Invitation) -> str:
        return state_of(invitation)

    def get_url(self, invitation: Invitation) -> str:
        return absolute(
            self.context["request"],
            "organization-invitation",
            organization_id=invitation.organization_id,
            invitation_id=invitation.pk,
        )


class InvitationCreate(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    role = serializers.ChoiceField(ROLES, required=False)
    teams = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=100)
