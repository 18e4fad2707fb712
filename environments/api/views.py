"""Environments in the public API."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from accounts.models import User
from common.rest.bodies import validated
from common.rest.links import absolute
from common.rest.params import boolean, names
from common.rest.times import timestamp
from environments import selectors, services
from environments.access import administered_owners, require_management
from environments.api.schemas import (
    DispatcherShape,
    EnvironmentChange,
    EnvironmentCreate,
    EnvironmentShape,
    TeamQuotaGiven,
    TeamQuotaShape,
)
from environments.dispatchers import dispatchers_of
from environments.models import Environment
from organizations.models import Organization
from organizations.references import member_in, owned_organization, team_in

_UNFINISHED = "unfinished_job_count"
_REFERENCE = OpenApiParameter("reference", location="path", description="Id or slug.")
_PARAMETERS = [
    OpenApiParameter("include", description=f"`{_UNFINISHED}`: how many executions wait or run on it."),
    OpenApiParameter("exclude", description="Comma-separated names of fields to leave out."),
]
_MANAGE = OpenApiParameter(
    "manage",
    OpenApiTypes.BOOL,
    description="Those that you administer, also switched off, instead of those you may use.",
)


class EnvironmentListView(GenericAPIView[Environment]):
    serializer_class = EnvironmentShape
    filter_backends = ()
    queryset = Environment.objects.none()

    @extend_schema(operation_id="environments_list", parameters=[*_PARAMETERS, _MANAGE])
    def get(self, request: Request) -> Response:
        if boolean(request.query_params.get("manage")):
            environments = selectors.administered_environments(request.user)
        else:
            environments = selectors.environments_for(request.user)
        page = self.paginate_queryset(_counted(environments, request)) or []
        return self.get_paginated_response(represent_all(page, request))

    @extend_schema(
        operation_id="environments_create", request=EnvironmentCreate, responses={201: EnvironmentShape}
    )
    def post(self, request: Request) -> Response:
        actor, given = user_of(request), validated(EnvironmentCreate, request)
        organization = _owner_of_new(actor, given.pop("owner", "") or "")
        given = _resolved(given, organization)
        owner = organization.owner if organization else None
        created = services.create_environment(actor=actor, owner=owner, **given)
        return Response(represent_all([created], request)[0], status=status.HTTP_201_CREATED)


class EnvironmentDetailView(APIView):
    @extend_schema(
        operation_id="environments_retrieve",
        parameters=[_REFERENCE, *_PARAMETERS],
        responses=EnvironmentShape,
    )
    def get(self, request: Request, reference: str) -> Response:
        shown = selectors.shown_environments(request.user)
        return Response(represent_all([selectors.named(_counted(shown, request), reference)], request)[0])

    @extend_schema(
        operation_id="environments_update", parameters=[_REFERENCE], request=EnvironmentChange,
        responses=EnvironmentShape,
    )  # fmt: skip
    def put(self, request: Request, reference: str) -> Response:
        return self._change(request, reference)

    @extend_schema(
        operation_id="environments_partial_update", parameters=[_REFERENCE], request=EnvironmentChange,
        responses=EnvironmentShape,
    )  # fmt: skip
    def patch(self, request: Request, reference: str) -> Response:
        return self._change(request, reference)

    @extend_schema(operation_id="environments_destroy", parameters=[_REFERENCE], responses={204: None})
    def delete(self, request: Request, reference: str) -> Response:
        environment = selectors.named(selectors.shown_environments(request.user), reference)
        services.delete_environment(environment=environment, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, reference: str) -> Response:
        actor, given = user_of(request), validated(EnvironmentChange, request)
        environment = selectors.named(selectors.shown_environments(actor), reference)
        require_management(actor, environment)
        organization: Organization | None = getattr(environment.owner, "organization", None)
        if "owner" in given:
            organization = _owner_of_new(actor, given["owner"] or "")
            given["owner"] = organization.owner if organization else None
        changes = _resolved(given, organization)
        changed = services.update_environment(environment=environment, actor=actor, **changes)
        return Response(represent_all([changed], request)[0])


class DispatchersView(APIView):
    """What hands the environment's jobs to a cluster, the one heard of last first. Empty for machines with agents."""

    @extend_schema(
        operation_id="environments_dispatchers", parameters=[_REFERENCE], responses=DispatcherShape(many=True)
    )
    def get(self, request: Request, reference: str) -> Response:
        environment = selectors.named(selectors.shown_environments(request.user), reference)
        require_management(user_of(request), environment)
        found = dispatchers_of(environment) or []
        return Response([asdict(one) | {"last_seen": timestamp(one.last_seen)} for one in found])


class TeamQuotasView(APIView):
    """How many executions at once each team may have. A team that is not listed has no place."""

    @extend_schema(
        operation_id="environments_team_quotas", parameters=[_REFERENCE], responses=TeamQuotaShape(many=True)
    )
    def get(self, request: Request, reference: str) -> Response:
        return Response(_quotas(self._managed(request, reference)))

    @extend_schema(
        operation_id="environments_set_team_quotas", parameters=[_REFERENCE], request=TeamQuotaGiven(many=True),
        responses=TeamQuotaShape(many=True),
    )  # fmt: skip
    def put(self, request: Request, reference: str) -> Response:
        environment = self._managed(request, reference)
        body = TeamQuotaGiven(data=request.data, many=True)
        body.is_valid(raise_exception=True)
        organization = getattr(environment.owner, "organization", None)
        quotas = {team_in(organization, item["team"]): item["max_running"] for item in body.validated_data}
        services.set_team_quotas(environment=environment, actor=user_of(request), quotas=quotas)
        return Response(_quotas(environment))

    def _managed(self, request: Request, reference: str) -> Environment:
        environment = selectors.named(selectors.shown_environments(request.user), reference)
        require_management(user_of(request), environment)
        return environment


def represent_all(environments: Collection[Environment], request: Request) -> list[dict[str, Any]]:
    managed = administered_owners(request.user, environments)
    unwanted = names(request, "exclude")
    rows = (
        _represent(environment, request, can_admin=environment.owner_id in managed)
        for environment in environments
    )
    return [{name: value for name, value in row.items() if name not in unwanted} for row in rows]


def _represent(environment: Environment, request: Request, *, can_admin: bool) -> dict[str, Any]:
    owner, team, member = environment.owner, environment.team, environment.member
    shown = {
        "id": str(environment.pk),
        "slug": environment.slug,
        "name": environment.name,
        "description": environment.description,
        "enabled": environment.enabled,
        "owner": {"id": owner.pk, "username": owner.name} if owner else None,
        "team": {"id": str(team.pk), "name": team.name} if team else None,
        "member": {"id": member.pk, "username": member.username} if member else None,
        "restricted_to_teams": environment.restricted_to_teams,
        "type": environment.kind,
        "provider": environment.provider,
        "has_gpu": environment.has_gpu,
        "gpu_spec": environment.gpu_spec,
        "is_scalable": bool(environment.provider),
        "spot": environment.machine_template.get("spot") is True,
        "spot_max_price": _price(environment.machine_template.get("spot_max_price")),
        "allow_personal_usage": environment.allow_personal_usage,
        "bill_usage": False,
        "can_admin": can_admin,
        "per_hour_price_usd": f"{environment.per_hour_price_usd:.5f}",
        "per_user_queue_quota": environment.per_user_queue_quota,
        "per_user_resource_quotas": None,
        "max_running": environment.max_running,
        "default_image": environment.default_image,
        "requires_mounts": environment.requires_mounts,
        "scale_min": environment.scale_min,
        "scale_max": environment.scale_max,
        "scale_down_grace_period": environment.scale_down_grace_period,
        "enable_smart_vm_selection": False,
        "supports_priority": environment.supports_priority,
        "requires_enrolled_workers": environment.requires_enrolled_workers,
        "agents_update": environment.agents_update,
        "ctime": timestamp(environment.created_at),
        "mtime": timestamp(environment.updated_at),
        "url": absolute(request, "environment-detail", reference=str(environment.pk)),
    }
    if can_admin:
        shown["queue_name"] = environment.queue_name
        shown["mount_rules"] = environment.mount_rules
        shown["dispatch"] = environment.dispatch
        shown["machine_template"] = environment.machine_template
    if hasattr(environment, _UNFINISHED):
        shown[_UNFINISHED] = getattr(environment, _UNFINISHED)
    return shown


def _price(given: Any) -> float:
    return float(given) if isinstance(given, int | float) else 0.0


def _counted(environments: QuerySet[Environment], request: Request) -> QuerySet[Environment]:
    wanted = _UNFINISHED in names(request, "include")
    return selectors.with_unfinished_jobs(environments) if wanted else environments


def _owner_of_new(actor: User, reference: str) -> Organization | None:
    """Superusers may leave the owner out: then it is everybody's."""
    return None if actor.is_superuser and not reference else owned_organization(actor, reference)


def _resolved(given: dict[str, Any], organization: Organization | None) -> dict[str, Any]:
    """With rows in place of the references to a team and a member."""
    if "team" in given:
        given["team"] = team_in(organization, given["team"]) if given["team"] else None
    if "member" in given:
        given["member"] = member_in(organization, given["member"]) if given["member"] else None
    return given


def _quotas(environment: Environment) -> list[dict[str, Any]]:
    places = environment.team_places.select_related("team").order_by("team__name")
    return [
        {"team": {"id": str(place.team_id), "name": place.team.name}, "max_running": place.max_running}
        for place in places
    ]
