"""Administration of environments and a look at the workers."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.current import user_of
from common.admin import PlatformAdmin, ReadOnlyAdmin
from environments import services
from environments.models import Environment, Worker


@admin.register(Environment)
class EnvironmentAdmin(PlatformAdmin):
    """The slug and the queue cannot change: projects, steps and agents are configured with them."""

    list_display = ("name", "slug", "queue_name", "owner", "enabled", "max_running", "per_user_queue_quota")
    list_select_related = ("owner",)
    list_filter = ("enabled", "has_gpu", "kind")
    search_fields = ("name", "slug", "queue_name")
    ordering = ("name",)
    autocomplete_fields = ("owner",)
    actions = ("disable", "enable")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("slug", "queue_name", "enabled") if obj else ("enabled",)

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


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("identity", "host", "agent_version", "runtime", "queues", "last_seen_at")
    list_filter = ("runtime", "agent_version", "last_seen_at")
    search_fields = ("identity", "host")
    ordering = ("-last_seen_at",)
    readonly_fields = ("id", "created_at")
