"""Organizations and their members in the public API."""

from typing import Any

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
from organizations.access import Capability, capabilities_in
from organizations.api import serializers
from organizations.models import Organization, OrganizationMembership

ORGANIZATION_ID = OpenApiParameter("organization_id", OpenApiTypes.INT, location="path")
USER_ID = OpenApiParameter("user_id", OpenApiTypes.INT, location="path")


class OrganizationListView(GenericAPIView[Organization]):
    """The organizations that the caller belongs to."""

    serializer_class = serializers.OrganizationSerializer
    filter_backends = ()
    queryset = Organization.objects.none()

    @extend_schema(operation_id="organizations_list")
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(selectors.organizations_for(request.user)) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="organizations_create",
        request=serializers.OrganizationCreate,
        responses={201: serializers.OrganizationDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        given = validated(serializers.OrganizationCreate, request)
        organization = services.create_organization(actor=user_of(request), name=given["name"])
        return Response(_shown(organization, request), status=status.HTTP_201_CREATED)


class OrganizationDetailView(APIView):
    @extend_schema(
        operation_id="organizations_retrieve",
        parameters=[ORGANIZATION_ID],
        responses=serializers.OrganizationDetailSerializer,
    )
    def get(self, request: Request, organization_id: int) -> Response:
        return Response(_shown(selectors.get_organization(request.user, organization_id), request))

    @extend_schema(
        operation_id="organizations_partial_update",
        parameters=[ORGANIZATION_ID],
        request=serializers.OrganizationSettings,
        responses=serializers.OrganizationDetailSerializer,
    )
    def patch(self, request: Request, organization_id: int) -> Response:
        organization = selectors.get_organization(request.user, organization_id)
        changes = validated(serializers.OrganizationSettings, request, partial=True)
        changed = services.change_settings(organization=organization, actor=user_of(request), **changes)
        return Response(_shown(changed, request))

    @extend_schema(operation_id="organizations_destroy", parameters=[ORGANIZATION_ID], responses={204: None})
    def delete(self, request: Request, organization_id: int) -> Response:
        organization = selectors.get_organization(request.user, organization_id)
        services.delete_organization(organization=organization, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class MemberListView(GenericAPIView[OrganizationMembership]):
    """Who belongs to the organization, by name."""

    serializer_class = serializers.MemberSerializer
    filter_backends = ()
    queryset = OrganizationMembership.objects.none()

    @extend_schema(operation_id="organizations_members_list", parameters=[ORGANIZATION_ID])
    def get(self, request: Request, organization_id: int) -> Response:
        organization = selectors.get_organization(request.user, organization_id)
        page = self.paginate_queryset(selectors.members_of(organization)) or []
        return self.get_paginated_response(_members(page, organization, request))


class MemberDetailView(APIView):
    @extend_schema(
        operation_id="organizations_members_partial_update",
        parameters=[ORGANIZATION_ID, USER_ID],
        request=serializers.RoleChange,
        responses=serializers.MemberSerializer,
    )
    def patch(self, request: Request, organization_id: int, user_id: int) -> Response:
        organization = selectors.get_organization(request.user, organization_id)
        member = selectors.get_member(organization, user_id)
        given = validated(serializers.RoleChange, request)
        services.change_role(
            organization=organization, actor=user_of(request), user=member.user, role=given["role"]
        )
        return Response(_members([selectors.get_member(organization, user_id)], organization, request)[0])

    @extend_schema(
        operation_id="organizations_members_destroy",
        parameters=[ORGANIZATION_ID, USER_ID],
        responses={204: None},
    )
    def delete(self, request: Request, organization_id: int, user_id: int) -> Response:
        """Remove a member; with one's own id, leave."""
        user = user_of(request)
        organization = selectors.get_organization(user, organization_id)
        member = selectors.get_member(organization, user_id)
        if member.user_id == user.pk:
            services.leave(organization=organization, user=user)
        else:
            services.remove_member(organization=organization, actor=user, user=member.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(organization: Organization, request: Request) -> Any:
    return serializers.OrganizationDetailSerializer(organization, context={"request": request}).data


def _members(
    members: list[OrganizationMembership], organization: Organization, request: Request
) -> list[dict[str, Any]]:
    administers = Capability.ADMINISTER in capabilities_in(request.user, organization)
    context = {"request": request, "administers": administers}
    return list(serializers.MemberSerializer(members, many=True, context=context).data)
