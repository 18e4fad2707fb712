"""Administration of environments, of what teams may use of them, and of registries, for superusers and for the owners of the
organization that an environment belongs to."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.current import user_of
from accounts.models import User
from common.admin import ADD, CHANGE, DELETE, PlatformAdmin
from environments import services
from environments.autoscaling import services as machine_services
from environments.enrolment import admin as enrolment
from environments.models import (
    Environment,
    Machine,
    RegistryCredentials,
    ScalingDecision,
    TeamPlace,
    Worker,
)
from organizations.access import administered_by

__all__ = ["EnvironmentAdmin", "RegistryCredentialsAdmin", "TeamPlaceAdmin", "WorkerAdmin", "enrolment"]


@admin.register(Environment)
class EnvironmentAdmin(PlatformAdmin):
    """The slug and the queue cannot change: projects, steps and agents are configured with them. Who makes an environment
    says which machines it reaches, and who owns it; so only superusers do."""

    allows = (ADD, CHANGE)
    allows_tenants = (CHANGE,)
    list_display = ("name", "slug", "queue_name", "owner", "enabled", "max_running", "per_user_queue_quota")
    list_select_related = ("owner",)
    list_filter = ("enabled", "has_gpu", "kind")
    search_fields = ("name", "slug", "queue_name")
    ordering = ("name",)
    autocomplete_fields = ("owner", "team")
    readonly_fields = ("enabled",)
    fixed_fields = ("slug", "queue_name")
    superuser_fields = ("owner", "kind", "provider", "machine_template", "log_lines_per_second")
    actions = ("disable", "enable")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "owner_id")

    def save_model(self, request: HttpRequest, obj: Environment, form: Any, change: bool) -> None:
        if "dispatch" in form.cleaned_data:
            form.cleaned_data["dispatch"] = form.cleaned_data["dispatch"] or {}  # an empty field says nothing
        if "machine_template" in form.cleaned_data:
            form.cleaned_data["machine_template"] = form.cleaned_data["machine_template"] or {}
        if not change:
            created = services.create_environment(actor=user_of(request), **form.cleaned_data)
            obj.pk = created.pk
            return
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        services.update_environment(
            environment=Environment.objects.get(pk=obj.pk), actor=user_of(request), **changes
        )

    @admin.action(description="Disable: no new executions; those that wait or run go on")
    def disable(self, request: HttpRequest, rows: QuerySet[Environment]) -> None:
        self._switch(request, rows, enabled=False)

    @admin.action(description="Enable again")
    def enable(self, request: HttpRequest, rows: QuerySet[Environment]) -> None:
        self._switch(request, rows, enabled=True)

    def _switch(self, request: HttpRequest, rows: QuerySet[Environment], *, enabled: bool) -> None:
        actor = user_of(request)
        self.act_on_each(
            request,
            rows,
            lambda row: services.set_enabled(environment=row, actor=actor, enabled=enabled),
            f"environments are {'enabled' if enabled else 'disabled'}",
        )


@admin.register(TeamPlace)
class TeamPlaceAdmin(PlatformAdmin):
    """Places in an environment that everybody may use would restrict nobody: owners give them in their own."""

    allows = (ADD, CHANGE, DELETE)
    list_display = ("environment", "team", "max_running", "updated_at")
    list_display_links = ("environment", "team")
    list_select_related = ("environment", "team__organization__owner")
    search_fields = ("environment__name", "environment__slug", "team__name")
    ordering = ("environment__name", "team__name")
    autocomplete_fields = ("environment", "team")
    fields = ("environment", "team", "max_running")
    fixed_fields = ("environment", "team")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "environment__owner_id") & administered_by(user, "team__organization_id")

    def save_model(self, request: HttpRequest, obj: TeamPlace, form: Any, change: bool) -> None:
        services.set_team_quota(
            environment=obj.environment,
            actor=user_of(request),
            team=obj.team,
            has_place=True,
            quota=obj.max_running,
        )
        obj.pk = TeamPlace.objects.get(environment=obj.environment, team=obj.team).pk

    def delete_model(self, request: HttpRequest, obj: TeamPlace) -> None:
        services.set_team_quota(
            environment=obj.environment, actor=user_of(request), team=obj.team, has_place=False
        )


@admin.register(RegistryCredentials)
class RegistryCredentialsAdmin(PlatformAdmin):
    """Entered and changed on the pages of the organization, which know what each kind needs and where its secrets go."""

    allows = (DELETE,)
    list_display = ("image_pattern", "kind", "owner", "updated_at")
    list_select_related = ("owner",)
    list_filter = ("kind",)
    search_fields = ("image_pattern", "owner__name")
    ordering = ("owner__name", "image_pattern")
    autocomplete_fields = ("owner",)
    fields = ("owner", "kind", "image_pattern", "configuration")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "owner_id")

    def delete_model(self, request: HttpRequest, obj: RegistryCredentials) -> None:
        services.delete_registry(registry=obj, actor=user_of(request))


@admin.register(Worker)
class WorkerAdmin(PlatformAdmin):
    list_display = ("identity", "host", "agent_version", "runtime", "queues", "last_seen_at")
    list_filter = ("runtime", "agent_version", "last_seen_at")
    search_fields = ("identity", "host")
    ordering = ("-last_seen_at",)
    readonly_fields = ("id", "created_at")


@admin.register(Machine)
class MachineAdmin(PlatformAdmin):
    """The autoscaler starts and ends them; people have words to say about single ones."""

    list_display = ("name", "environment", "status", "reason", "provider_id", "started_at", "ended_at")
    list_select_related = ("environment",)
    list_filter = ("status", "provider", "spot", "is_fault")
    search_fields = ("provider_id", "environment__slug")
    ordering = ("-created_at",)
    actions = ("drain", "terminate")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "environment__owner_id")

    @admin.action(description="Drain: they end when their jobs have", permissions=["view"])
    def drain(self, request: HttpRequest, rows: QuerySet[Machine]) -> None:
        actor = user_of(request)
        self.act_on_each(
            request,
            rows,
            lambda row: machine_services.drain_machine(machine=row, actor=actor),
            "machines are drained",
        )

    @admin.action(description="Terminate: their jobs are stopped", permissions=["view"])
    def terminate(self, request: HttpRequest, rows: QuerySet[Machine]) -> HttpResponse | None:
        asked = self.ask_first(
            request, rows, action="terminate", question="Terminate these machines?",
            detail="Their running jobs are stopped and keep their outputs.", answer="Terminate",
        )  # fmt: skip
        if asked is not None:
            return asked
        actor = user_of(request)
        self.act_on_each(
            request,
            rows,
            lambda row: machine_services.terminate_machine(machine=row, actor=actor),
            "machines end",
        )
        return None


@admin.register(ScalingDecision)
class ScalingDecisionAdmin(PlatformAdmin):
    list_display = ("created_at", "environment", "kind", "text")
    list_select_related = ("environment",)
    list_filter = ("kind", "created_at")
    search_fields = ("environment__slug",)
    ordering = ("-created_at",)

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "environment__owner_id")
