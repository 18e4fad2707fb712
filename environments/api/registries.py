"""Registry credentials in the public API, in the shapes that the official clients use. Secrets are never in an answer."""

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
from common.rest.links import absolute
from common.rest.times import timestamp
from environments import selectors, services
from environments.api.schemas import RegistryChange, RegistryCreate, RegistryShape
from environments.models import RegistryCredentials
from organizations.references import owned_organization

_ID = OpenApiParameter("registry_id", OpenApiTypes.UUID, location="path")


class RegistryListView(GenericAPIView[RegistryCredentials]):
    """Those of the organizations that the caller owns."""

    serializer_class = RegistryShape
    filter_backends = ()
    queryset = RegistryCredentials.objects.none()

    @extend_schema(operation_id="registry_credentials_list")
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(selectors.administered_registries(request.user)) or []
        return self.get_paginated_response([represent(registry, request) for registry in page])

    @extend_schema(
        operation_id="registry_credentials_create", request=RegistryCreate, responses={201: RegistryShape}
    )
    def post(self, request: Request) -> Response:
        given = validated(RegistryCreate, request)
        organization = owned_organization(user_of(request), given.pop("owner", "") or "")
        registry = services.create_registry(actor=user_of(request), owner=organization.owner, **given)
        return Response(represent(registry, request), status=status.HTTP_201_CREATED)


class RegistryDetailView(APIView):
    @extend_schema(operation_id="registry_credentials_retrieve", parameters=[_ID], responses=RegistryShape)
    def get(self, request: Request, registry_id: UUID) -> Response:
        return Response(represent(selectors.get_registry(request.user, registry_id), request))

    @extend_schema(
        operation_id="registry_credentials_update", parameters=[_ID], request=RegistryChange,
        responses=RegistryShape,
    )  # fmt: skip
    def put(self, request: Request, registry_id: UUID) -> Response:
        return self._change(request, registry_id)

    @extend_schema(
        operation_id="registry_credentials_partial_update", parameters=[_ID], request=RegistryChange,
        responses=RegistryShape,
    )  # fmt: skip
    def patch(self, request: Request, registry_id: UUID) -> Response:
        return self._change(request, registry_id)

    @extend_schema(operation_id="registry_credentials_destroy", parameters=[_ID], responses={204: None})
    def delete(self, request: Request, registry_id: UUID) -> Response:
        registry = selectors.get_registry(request.user, registry_id)
        services.delete_registry(registry=registry, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, registry_id: UUID) -> Response:
        registry = selectors.get_registry(request.user, registry_id)
        given = validated(RegistryChange, request)
        changed = services.update_registry(registry=registry, actor=user_of(request), **given)
        return Response(represent(changed, request))


def represent(registry: RegistryCredentials, request: Request) -> dict[str, Any]:
    return {
        "id": str(registry.pk),
        "type": registry.kind,
        "image_pattern": registry.image_pattern,
        "owner": registry.owner_id,
        "configuration": registry.configuration,
        "ctime": timestamp(registry.created_at),
        "mtime": timestamp(registry.updated_at),
        "url": absolute(request, "registry-detail", registry_id=registry.pk),
    }
