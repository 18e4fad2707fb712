"""Environments in the public API."""

from collections.abc import Collection
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from common.rest.links import absolute
from common.rest.params import names
from common.rest.times import timestamp
from environments import selectors
from environments.api.schemas import EnvironmentShape
from environments.models import Environment

_UNFINISHED = "unfinished_job_count"
_PARAMETERS = [
    OpenApiParameter("include", description=f"`{_UNFINISHED}`: how many executions wait or run on it."),
    OpenApiParameter("exclude", description="Comma-separated names of fields to leave out."),
]


class _EnvironmentView(GenericAPIView[Environment]):
    serializer_class = EnvironmentShape
    filter_backends = ()
    queryset = Environment.objects.none()


class EnvironmentListView(_EnvironmentView):
    @extend_schema(operation_id="environments_list", parameters=_PARAMETERS)
    def get(self, request: Request) -> Response:
        environments = selectors.environments_for(request.user)
        if _UNFINISHED in names(request, "include"):
            environments = selectors.with_unfinished_jobs(environments)
        page = self.paginate_queryset(environments) or []
        return self.get_paginated_response([represent(environment, request) for environment in page])


class EnvironmentDetailView(_EnvironmentView):
    @extend_schema(
        operation_id="environments_retrieve",
        parameters=[OpenApiParameter("reference", location="path", description="Id or slug."), *_PARAMETERS],
        responses=EnvironmentShape,
    )
    def get(self, request: Request, reference: str) -> Response:
        environments = selectors.environments_for(request.user)
        if _UNFINISHED in names(request, "include"):
            environments = selectors.with_unfinished_jobs(environments)
        return Response(represent(selectors.named(environments, reference), request))


def represent(environment: Environment, request: Request) -> dict[str, Any]:
    owner = environment.owner
    shown = {
        "id": str(environment.pk),
        "slug": environment.slug,
        "name": environment.name,
        "description": environment.description,
        "enabled": environment.enabled,
        "owner": {"id": owner.pk, "username": owner.name} if owner else None,
        "type": environment.kind,
        "provider": environment.provider,
        "has_gpu": environment.has_gpu,
        "gpu_spec": environment.gpu_spec,
        "is_scalable": False,
        "spot": False,
        "spot_max_price": 0.0,
        "allow_personal_usage": environment.allow_personal_usage,
        "bill_usage": False,
        "can_admin": bool(request.user.is_superuser),
        "per_hour_price_usd": f"{environment.per_hour_price_usd:.5f}",
        "per_user_queue_quota": environment.per_user_queue_quota,
        "per_user_resource_quotas": None,
        "scale_min": environment.scale_min,
        "scale_max": environment.scale_max,
        "scale_down_grace_period": environment.scale_down_grace_period,
        "enable_smart_vm_selection": False,
        "supports_priority": environment.supports_priority,
        "ctime": timestamp(environment.created_at),
        "mtime": timestamp(environment.updated_at),
        "url": absolute(request, "environment-detail", reference=str(environment.pk)),
    }
    if _UNFINISHED in names(request, "include"):
        shown[_UNFINISHED] = environment.unfinished_job_count  # type: ignore[attr-defined]  # by the selector
    return _without(shown, names(request, "exclude"))


def _without(shown: dict[str, Any], unwanted: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name not in unwanted}
