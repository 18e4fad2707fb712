"""People of a project in the public API, for its administrators: collaborators, invitations, and who has access and why."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from accounts.models import User
from common.rest.bodies import validated
from common.rest.times import timestamp
from organizations.access import Capability, require
from organizations.invitations import state_of
from projects import members, selectors, services
from projects.letters import invitation_link
from projects.models import Project, ProjectCollaborator, ProjectInvitation

PROJECT_ID = OpenApiParameter("project_id", OpenApiTypes.UUID, location="path")
USER_ID = OpenApiParameter("user_id", OpenApiTypes.INT, location="path")
INVITATION_ID = OpenApiParameter("invitation_id", OpenApiTypes.UUID, location="path")


class PersonShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class CollaboratorShape(serializers.Serializer[Any]):
    user = PersonShape()
    is_read_only = serializers.BooleanField()
    ctime = serializers.DateTimeField()


class CollaboratorCreate(serializers.Serializer[Any]):
    user = serializers.CharField(
        max_length=64, help_text="name of a member of the organization that owns the project"
    )
    is_read_only = serializers.BooleanField(required=False, default=False)


class CollaboratorChange(serializers.Serializer[Any]):
    is_read_only = serializers.BooleanField()


class InvitationShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    is_read_only = serializers.BooleanField()
    state = serializers.CharField(help_text="`pending` or `expired`")
    inviter = PersonShape(allow_null=True)
    sent_time = serializers.DateTimeField()
    expires_time = serializers.DateTimeField()


class CollaboratorInvitationCreate(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    is_read_only = serializers.BooleanField(required=False, default=False)


class MemberShape(serializers.Serializer[Any]):
    user = PersonShape()
    level = serializers.CharField(help_text="`administrator`, `member` or `viewer`")
    reasons = serializers.ListField(child=serializers.CharField())


class MemberListView(GenericAPIView[User]):
    """Everybody who has access to the project, by name, and why."""

    serializer_class = MemberShape
    filter_backends = ()
    queryset = User.objects.none()

    @extend_schema(operation_id="projects_members_list", parameters=[PROJECT_ID])
    def get(self, request: Request, project_id: str) -> Response:
        project = _administered(request, project_id)
        page = self.paginate_queryset(members.users_with_access(project)) or []
        return self.get_paginated_response(
            [
                {
                    "user": _person(member.user),
                    "level": member.level,
                    "reasons": [reason.text for reason in member.reasons],
                }
                for member in members.members_among(project, page)
            ]
        )


class CollaboratorListView(GenericAPIView[ProjectCollaborator]):
    serializer_class = CollaboratorShape
    filter_backends = ()
    queryset = ProjectCollaborator.objects.none()

    @extend_schema(operation_id="projects_collaborators_list", parameters=[PROJECT_ID])
    def get(self, request: Request, project_id: str) -> Response:
        project = _administered(request, project_id)
        page = self.paginate_queryset(members.collaborators_of(project)) or []
        return self.get_paginated_response([_collaborator(row) for row in page])

    @extend_schema(
        operation_id="projects_collaborators_create", parameters=[PROJECT_ID], request=CollaboratorCreate,
        responses={201: CollaboratorShape},
    )  # fmt: skip
    def post(self, request: Request, project_id: str) -> Response:
        """Add a member of the organization that owns the project. Others are invited by e-mail."""
        project = _administered(request, project_id)
        given = validated(CollaboratorCreate, request)
        user = members.colleague(project, given["user"])
        collaborator = services.add_collaborator(
            project=project, actor=user_of(request), user=user, is_read_only=given["is_read_only"]
        )
        return Response(_collaborator(collaborator), status=status.HTTP_201_CREATED)


class CollaboratorDetailView(APIView):
    @extend_schema(
        operation_id="projects_collaborators_partial_update", parameters=[PROJECT_ID, USER_ID],
        request=CollaboratorChange, responses=CollaboratorShape,
    )  # fmt: skip
    def patch(self, request: Request, project_id: str, user_id: int) -> Response:
        project = _administered(request, project_id)
        given = validated(CollaboratorChange, request)
        collaborator = services.change_collaborator(
            project=project, actor=user_of(request), user_id=user_id, is_read_only=given["is_read_only"]
        )
        return Response(_collaborator(collaborator))

    @extend_schema(
        operation_id="projects_collaborators_destroy", parameters=[PROJECT_ID, USER_ID], responses={204: None}
    )
    def delete(self, request: Request, project_id: str, user_id: int) -> Response:
        project = _administered(request, project_id)
        services.remove_collaborator(project=project, actor=user_of(request), user_id=user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationListView(GenericAPIView[ProjectInvitation]):
    """Those that are neither accepted nor cancelled, newest first."""

    serializer_class = InvitationShape
    filter_backends = ()
    queryset = ProjectInvitation.objects.none()

    @extend_schema(operation_id="projects_invitations_list", parameters=[PROJECT_ID])
    def get(self, request: Request, project_id: str) -> Response:
        project = _administered(request, project_id)
        page = self.paginate_queryset(members.pending_invitations(project)) or []
        return self.get_paginated_response([_invitation(row) for row in page])

    @extend_schema(
        operation_id="projects_invitations_create", parameters=[PROJECT_ID], request=CollaboratorInvitationCreate,
        responses={201: InvitationShape},
    )  # fmt: skip
    def post(self, request: Request, project_id: str) -> Response:
        """Send a letter with a link. The answer is the same whether or not somebody has an account with this address."""
        project = _administered(request, project_id)
        given = validated(CollaboratorInvitationCreate, request)
        invitation = services.invite_collaborator(
            project=project, actor=user_of(request), link=invitation_link(request), **given
        )
        return Response(_invitation(invitation), status=status.HTTP_201_CREATED)


class InvitationDetailView(APIView):
    @extend_schema(
        operation_id="projects_invitations_destroy",
        parameters=[PROJECT_ID, INVITATION_ID],
        responses={204: None},
    )
    def delete(self, request: Request, project_id: str, invitation_id: UUID) -> Response:
        """Cancel it: its link ends at once."""
        invitation = members.get_invitation(_administered(request, project_id), invitation_id)
        services.cancel_invitation(invitation=invitation, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationResendView(APIView):
    @extend_schema(
        operation_id="projects_invitations_resend", parameters=[PROJECT_ID, INVITATION_ID], request=None,
        responses=InvitationShape,
    )  # fmt: skip
    def post(self, request: Request, project_id: str, invitation_id: UUID) -> Response:
        """A new letter with a new link; the old link ends."""
        invitation = services.resend_invitation(
            invitation=members.get_invitation(_administered(request, project_id), invitation_id),
            actor=user_of(request),
            link=invitation_link(request),
        )
        return Response(_invitation(invitation))


def _administered(request: Request, project_id: str) -> Project:
    project = selectors.get_project(request.user, project_id)
    require(request.user, Capability.ADMINISTER, project)
    return project


def _person(user: User) -> dict[str, Any]:
    return {"id": user.pk, "username": user.username}


def _collaborator(row: ProjectCollaborator) -> dict[str, Any]:
    return {
        "user": _person(row.user),
        "is_read_only": row.is_read_only,
        "ctime": timestamp(row.created_at),
    }


def _invitation(row: ProjectInvitation) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "email": row.email,
        "is_read_only": row.is_read_only,
        "state": state_of(row),
        "inviter": _person(row.inviter) if row.inviter else None,
        "sent_time": timestamp(row.sent_at),
        "expires_time": timestamp(row.expires_at),
    }
