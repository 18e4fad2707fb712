"""Variables and groups of organizations in the public API. Values of secrets go in and are null in answers."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.rest.bodies import validated
from common.rest.fields import ReferenceField
from common.rest.links import absolute
from common.rest.times import timestamp
from organizations.references import owned_organization
from organizations.selectors import get_administered_organization
from projects import services
from projects.api.schemas import NamedVariable, VariableName, VariableSet
from projects.models import Variable, VariableGroup
from projects.variable_selectors import (
    administered_groups,
    get_group,
    projects_with_ids,
    variables_of_group,
    variables_of_organization,
)

GROUP_ID = OpenApiParameter("group_id", OpenApiTypes.UUID, location="path")
ORGANIZATION_ID = OpenApiParameter("organization_id", OpenApiTypes.INT, location="path")


class GroupOrganization(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class GroupVariableBrief(serializers.Serializer[Any]):
    name = serializers.CharField()
    secret = serializers.BooleanField()


class GroupShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    organization = GroupOrganization()
    projects = serializers.ListField(child=serializers.UUIDField())
    variables = GroupVariableBrief(many=True, help_text="values are at `variables/`")
    ctime = serializers.DateTimeField()
    mtime = serializers.DateTimeField()
    url = serializers.CharField()


class GroupChange(serializers.Serializer[Any]):
    """Whatever is absent stays as it is, for PUT as for PATCH."""

    name = serializers.CharField(required=False, max_length=128)
    description = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    projects = serializers.ListField(
        child=serializers.UUIDField(), required=False, help_text="ids; replaces the list"
    )


class GroupCreate(GroupChange):
    name = serializers.CharField(max_length=128)
    organization = ReferenceField(help_text="id or name; yours, when you own one")


class GroupListView(GenericAPIView[VariableGroup]):
    """Those of the organizations that the caller owns."""

    serializer_class = GroupShape
    filter_backends = ()
    queryset = VariableGroup.objects.none()

    @extend_schema(operation_id="variable_groups_list")
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(administered_groups(request.user)) or []
        return self.get_paginated_response([represent(group, request) for group in page])

    @extend_schema(operation_id="variable_groups_create", request=GroupCreate, responses={201: GroupShape})
    def post(self, request: Request) -> Response:
        actor, given = user_of(request), dict(validated(GroupCreate, request))
        reference = given.pop("organization", "") or ""
        organization = owned_organization(actor, reference, field="organization")
        given["projects"] = projects_with_ids(organization, given.get("projects", ()))
        group = services.create_group(organization=organization, actor=actor, **given)
        return Response(represent(get_group(actor, group.pk), request), status=status.HTTP_201_CREATED)


class GroupDetailView(APIView):
    @extend_schema(operation_id="variable_groups_retrieve", parameters=[GROUP_ID], responses=GroupShape)
    def get(self, request: Request, group_id: UUID) -> Response:
        return Response(represent(get_group(request.user, group_id), request))

    @extend_schema(
        operation_id="variable_groups_update",
        parameters=[GROUP_ID],
        request=GroupChange,
        responses=GroupShape,
    )
    def put(self, request: Request, group_id: UUID) -> Response:
        return self._change(request, group_id)

    @extend_schema(
        operation_id="variable_groups_partial_update", parameters=[GROUP_ID], request=GroupChange,
        responses=GroupShape,
    )  # fmt: skip
    def patch(self, request: Request, group_id: UUID) -> Response:
        return self._change(request, group_id)

    @extend_schema(operation_id="variable_groups_destroy", parameters=[GROUP_ID], responses={204: None})
    def delete(self, request: Request, group_id: UUID) -> Response:
        services.delete_group(group=get_group(request.user, group_id), actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, group_id: UUID) -> Response:
        actor, group = user_of(request), get_group(request.user, group_id)
        given = dict(validated(GroupChange, request))
        if "projects" in given:
            given["projects"] = projects_with_ids(group.organization, given["projects"])
        services.update_group(group=group, actor=actor, **given)
        return Response(represent(get_group(actor, group_id), request))


class GroupVariablesView(GenericAPIView[Any]):
    serializer_class = NamedVariable
    filter_backends = ()

    @extend_schema(operation_id="variable_groups_variables", parameters=[GROUP_ID])
    def get(self, request: Request, group_id: UUID) -> Response:
        return _page(self, variables_of_group(get_group(request.user, group_id)))

    @extend_schema(
        operation_id="variable_groups_set_variable", parameters=[GROUP_ID], request=VariableSet,
        responses={201: NamedVariable},
    )  # fmt: skip
    def post(self, request: Request, group_id: UUID) -> Response:
        group, given = get_group(request.user, group_id), validated(VariableSet, request)
        variable = services.set_group_variable(group=group, actor=user_of(request), **given)
        return Response(represent_variable(variable), status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="variable_groups_delete_variable", parameters=[GROUP_ID], request=VariableName,
        responses={204: None},
    )  # fmt: skip
    def delete(self, request: Request, group_id: UUID) -> Response:
        group, given = get_group(request.user, group_id), validated(VariableName, request)
        services.delete_group_variable(group=group, actor=user_of(request), name=given["name"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class OrganizationVariablesView(GenericAPIView[Any]):
    """What executions of every project of the organization inherit."""

    serializer_class = NamedVariable
    filter_backends = ()

    @extend_schema(operation_id="organizations_environment_variables", parameters=[ORGANIZATION_ID])
    def get(self, request: Request, organization_id: int) -> Response:
        return _page(
            self, variables_of_organization(get_administered_organization(request.user, organization_id))
        )

    @extend_schema(
        operation_id="organizations_set_environment_variable", parameters=[ORGANIZATION_ID], request=VariableSet,
        responses={201: NamedVariable},
    )  # fmt: skip
    def post(self, request: Request, organization_id: int) -> Response:
        organization = get_administered_organization(request.user, organization_id)
        given = validated(VariableSet, request)
        variable = services.set_organization_variable(
            organization=organization, actor=user_of(request), **given
        )
        return Response(represent_variable(variable), status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="organizations_delete_environment_variable", parameters=[ORGANIZATION_ID],
        request=VariableName, responses={204: None},
    )  # fmt: skip
    def delete(self, request: Request, organization_id: int) -> Response:
        organization = get_administered_organization(request.user, organization_id)
        given = validated(VariableName, request)
        services.delete_organization_variable(
            organization=organization, actor=user_of(request), name=given["name"]
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def represent(group: VariableGroup, request: Request) -> dict[str, Any]:
    """Projects that left the organization are not listed: the group does not count there."""
    own = (project for project in group.projects.all() if project.owner_id == group.organization_id)
    return {
        "id": str(group.pk),
        "name": group.name,
        "description": group.description,
        "organization": {"id": group.organization_id, "name": group.organization.name},
        "projects": [str(project.pk) for project in own],
        "variables": [{"name": row.name, "secret": row.secret} for row in group.variables.all()],
        "ctime": timestamp(group.created_at),
        "mtime": timestamp(group.updated_at),
        "url": absolute(request, "variable-group-detail", group_id=group.pk),
    }


def represent_variable(variable: Variable) -> dict[str, Any]:
    value = None if variable.secret else variable.value
    return {"name": variable.name, "value": value, "secret": variable.secret}


def _page(view: GenericAPIView[Any], variables: QuerySet[Any]) -> Response:
    rows = view.paginate_queryset(variables) or []
    return view.get_paginated_response([represent_variable(row) for row in rows])
