"""Invitations into an organization in the public API; its owners see them. Accepting is a page."""

from typing import Any
from uuid import UUID

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
from organizations.api.organizations import ORGANIZATION_ID
from organizations.links import invitation_link
from organizations.models import Invitation

INVITATION_ID = OpenApiParameter("invitation_id", OpenApiTypes.UUID, location="path")


class InvitationListView(GenericAPIView[Invitation]):
    """Those that are neither accepted nor cancelled, newest first."""

    serializer_class = serializers.InvitationSerializer
    filter_backends = ()
    queryset = Invitation.objects.none()

    @extend_schema(operation_id="organizations_invitations_list", parameters=[ORGANIZATION_ID])
    def get(self, request: Request, organization_id: int) -> Response:
        organization = selectors.get_administered_organization(request.user, organization_id)
        page = self.paginate_queryset(selectors.pending_invitations(organization)) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="organizations_invitations_create",
        parameters=[ORGANIZATION_ID],
        request=serializers.InvitationCreate,
        responses={201: serializers.InvitationSerializer},
    )
    def post(self, request: Request, organization_id: int) -> Response:
        organization = selectors.get_administered_organization(request.user, organization_id)
        given = validated(serializers.InvitationCreate, request)
        given["teams"] = selectors.teams_among(organization, given.get("teams", []))
        invitation = services.invite(
            organization=organization, actor=user_of(request), link=invitation_link(request), **given
        )
        return Response(_shown(invitation, request), status=status.HTTP_201_CREATED)


class InvitationDetailView(APIView):
    @extend_schema(
        operation_id="organizations_invitations_retrieve",
        parameters=[ORGANIZATION_ID, INVITATION_ID],
        responses=serializers.InvitationSerializer,
    )
    def get(self, request: Request, organization_id: int, invitation_id: UUID) -> Response:
        return Response(_shown(_found(request, organization_id, invitation_id), request))

    @extend_schema(
        operation_id="organizations_invitations_destroy",
        parameters=[ORGANIZATION_ID, INVITATION_ID],
        responses={204: None},
    )
    def delete(self, request: Request, organization_id: int, invitation_id: UUID) -> Response:
        """Cancel it: its link ends at once."""
        invitation = _found(request, organization_id, invitation_id)
        services.cancel_invitation(invitation=invitation, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationResendView(APIView):
    @extend_schema(
        operation_id="organizations_invitations_resend",
        parameters=[ORGANIZATION_ID, INVITATION_ID],
        request=None,
        responses=serializers.InvitationSerializer,
    )
    def post(self, request: Request, organization_id: int, invitation_id: UUID) -> Response:
        """A new letter with a new link; the old link ends."""
        invitation = services.resend_invitation(
            invitation=_found(request, organization_id, invitation_id),
            actor=user_of(request),
            link=invitation_link(request),
        )
        return Response(_shown(invitation, request))


def _found(request: Request, organization_id: int, invitation_id: UUID) -> Invitation:
    return selectors.get_invitation(
        request.user, selectors.get_administered_organization(request.user, organization_id), invitation_id
    )


def _shown(invitation: Invitation, request: Request) -> Any:
    return serializers.InvitationSerializer(invitation, context={"request": request}).data
