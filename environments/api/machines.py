"""Machines of an environment and the log of its autoscaling in the public API, for those who manage it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from accounts.models import User
from common import clock
from common.rest.links import absolute
from common.rest.params import boolean
from common.rest.times import timestamp
from environments import selectors as environments
from environments.access import require_management
from environments.api.schemas import DecisionShape, MachineShape, ProviderCheckShape
from environments.autoscaling import selectors, services
from environments.autoscaling.costs import cost_of
from environments.autoscaling.models import Machine, ScalingDecision
from environments.autoscaling.selectors import MachineView
from environments.models import Environment
from environments.services import check_provider

_REFERENCE = OpenApiParameter("reference", location="path", description="Id or slug of the environment.")
_ENDED = OpenApiParameter(
    "ended",
    OpenApiTypes.BOOL,
    description="Those that have ended, the latest first, instead of those that live.",
)


class MachineListView(GenericAPIView[Machine]):
    serializer_class = MachineShape
    filter_backends = ()
    queryset = Machine.objects.none()

    @extend_schema(operation_id="environments_machines", parameters=[_REFERENCE, _ENDED])
    def get(self, request: Request, reference: str) -> Response:
        managed = managed_environment(request, reference)
        ended = boolean(request.query_params.get("ended"))
        page = self.paginate_queryset(selectors.machines_of(managed, ended=ended)) or []
        views = selectors.views_of(page, selectors.look_or_none([managed.queue_name]), managed.queue_name)
        return self.get_paginated_response([_represent(view, managed, request) for view in views])


class MachineDetailView(APIView):
    @extend_schema(operation_id="environments_machine", parameters=[_REFERENCE], responses=MachineShape)
    def get(self, request: Request, reference: str, machine_id: UUID) -> Response:
        managed = managed_environment(request, reference)
        return Response(_shown(selectors.machine_of(managed, machine_id), managed, request))


class CheckView(APIView):
    """Asks the cloud whether it would start machines as the template says; starts none."""

    @extend_schema(
        operation_id="environments_check", parameters=[_REFERENCE], request=None, responses=ProviderCheckShape
    )
    def post(self, request: Request, reference: str) -> Response:
        checked = check_provider(managed_environment(request, reference))
        findings = [{"is_good": finding.is_good, "text": finding.text} for finding in checked.findings]
        return Response({"is_good": checked.is_good, "findings": findings, "policy": checked.policy})


class _MachineAction(APIView):
    def act(self, machine: Machine, actor: User) -> None:
        raise NotImplementedError

    def perform(self, request: Request, reference: str, machine_id: UUID) -> Response:
        managed = managed_environment(request, reference)
        machine = selectors.machine_of(managed, machine_id)
        self.act(machine, user_of(request))
        machine.refresh_from_db()
        return Response(_shown(machine, managed, request))


def _action(name: str, summary: str, act: Callable[[Machine, User], None]) -> type[_MachineAction]:
    class Action(_MachineAction):
        @extend_schema(
            operation_id=f"environments_machine_{name}", summary=summary, parameters=[_REFERENCE], request=None,
            responses=MachineShape,
        )  # fmt: skip
        def post(self, request: Request, reference: str, machine_id: UUID) -> Response:
            return self.perform(request, reference, machine_id)

        def act(self, machine: Machine, actor: User) -> None:
            act(machine, actor)

    return Action


ACTIONS = {
    "drain": _action(
        "drain", "It takes no new job, and ends when its running one has.",
        lambda machine, actor: services.drain_machine(machine=machine, actor=actor),
    ),
    "terminate": _action(
        "terminate", "It ends soon: its job is asked to stop, and keeps its outputs.",
        lambda machine, actor: services.terminate_machine(machine=machine, actor=actor),
    ),
    "cordon": _action(
        "cordon", "It takes no new job, and stays.",
        lambda machine, actor: services.set_cordoned(machine=machine, actor=actor, cordoned=True),
    ),
    "uncordon": _action(
        "uncordon", "It takes jobs again.",
        lambda machine, actor: services.set_cordoned(machine=machine, actor=actor, cordoned=False),
    ),
    "restart": _action(
        "restart", "Its agents begin anew between two jobs.",
        lambda machine, actor: services.restart_agents(machine=machine, actor=actor),
    ),
}  # fmt: skip


class DecisionListView(GenericAPIView[ScalingDecision]):
    """What the autoscaler did and why, the latest first."""

    serializer_class = DecisionShape
    filter_backends = ()
    queryset = ScalingDecision.objects.none()

    @extend_schema(operation_id="environments_decisions", parameters=[_REFERENCE])
    def get(self, request: Request, reference: str) -> Response:
        managed = managed_environment(request, reference)
        page = self.paginate_queryset(selectors.decisions_of(managed)) or []
        return self.get_paginated_response(
            [
                {"id": str(row.pk), "kind": row.kind, "text": row.text, "ctime": timestamp(row.created_at)}
                for row in page
            ]
        )


def managed_environment(request: Request, reference: str) -> Environment:
    shown: QuerySet[Environment] = environments.shown_environments(request.user)
    found = environments.named(shown, reference)
    require_management(user_of(request), found)
    return found


def _shown(machine: Machine, environment: Environment, request: Request) -> dict[str, Any]:
    return _represent(
        selectors.views_of(
            [machine], selectors.look_or_none([environment.queue_name]), environment.queue_name
        )[0],
        environment,
        request,
    )


def _represent(view: MachineView, environment: Environment, request: Request) -> dict[str, Any]:
    row = view.row
    cost = (
        cost_of(row.price_per_hour_usd, row.started_at, row.ended_at or clock.now()) if row.started_at else 0
    )
    return {
        "id": str(row.pk),
        "name": row.name,
        "environment": str(environment.pk),
        "status": row.status,
        "state": view.state,
        "reason": row.reason,
        "provider": row.provider,
        "provider_id": row.provider_id,
        "zone": row.zone,
        "spot": row.spot,
        "cordoned": row.cordoned,
        "obeys_wishes": row.obeys_wishes,
        "agent_version": row.agent_version,
        "agents": [
            {
                "identity": agent.identity, "version": agent.version, "state": agent.state,
                "job": agent.job if agent.identity in view.busy and agent.job else None, "usage": agent.usage,
            }
            for agent in view.agents
        ],
        "per_hour_price_usd": f"{row.price_per_hour_usd:.5f}",
        "cost_usd": f"{cost:.5f}",
        "ctime": timestamp(row.created_at),
        **{
            name: timestamp(moment) if (moment := getattr(row, name)) else None
            for name in ("started_at", "ready_at", "seen_at", "idle_since", "interrupted_at", "ended_at")
        },
        "url": absolute(
            request, "environment-machine", reference=str(environment.pk), machine_id=str(row.pk)
        ),
    }  # fmt: skip
