"""A look at executions and what they said. Nothing here is edited: statuses change in `lifecycle` only."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.current import user_of
from accounts.models import User
from common.admin import PlatformAdmin, as_uuid
from executions import services
from executions.models import Execution, ExecutionInput, InputAddress, LogChunk, MetadataChunk, ResourceSample
from organizations.access import administered_by

LONGEST_COUNTER = 18


@admin.register(Execution)
class ExecutionAdmin(PlatformAdmin):
    list_display = (
        "counter", "project", "step", "title", "status", "environment", "creator", "created_at", "ended_at",
        "worker_identity",
    )  # fmt: skip
    list_select_related = ("project__owner", "environment", "creator")
    list_filter = ("status", "environment", "created_at")
    search_fields = ("title", "step", "project__name", "creator__username", "worker_identity")
    search_help_text = "Part of a title, step, project, creator or worker; an id; or # and a number."
    ordering = ("-id",)
    # Values of variables may be secrets of the person who started it.
    exclude = ("environment_variables", "variables_beside")
    readonly_fields = ("id", "created_at", "updated_at", "variable_names")
    actions = ("stop",)

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "project__owner_id")

    def tenant_choices(self, user: User, field: str) -> Q | None:
        """The filter offers environments that everybody may use, too."""
        usable = Q(owner__isnull=True) | administered_by(user, "owner_id")
        return usable if field == "environment" else None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        number = search_term.strip().removeprefix("#")
        if search_term.strip().startswith("#") and number.isascii() and number.isdigit():
            return queryset.filter(counter=int(number[:LONGEST_COUNTER])), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="environment variables")
    def variable_names(self, execution: Execution) -> str:
        return ", ".join(sorted(execution.environment_variables)) or "none"

    @admin.action(description="Stop; a second time: end at once")
    def stop(self, request: HttpRequest, rows: QuerySet[Execution]) -> None:
        actor = user_of(request)
        self.act_on_each(
            request,
            rows.filter(ended_at__isnull=True),
            lambda execution: services.stop_execution(execution=execution, actor=actor),
            "executions are told to stop",
        )


class ChunkAdmin(PlatformAdmin):
    """Found by the id of their execution; there are too many of them to search otherwise."""

    list_select_related: ClassVar[tuple[str, ...]] = ("execution",)
    search_help_text = "The id of an execution."
    search_fields = ("execution__id__exact",)
    ordering = ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        identifier = as_uuid(search_term.strip())
        return (queryset.filter(execution_id=identifier) if identifier else queryset.none()), False


@admin.register(LogChunk)
class LogChunkAdmin(ChunkAdmin):
    list_display = ("id", "execution", "first_line", "line_count", "raw_size_bytes", "storage_key")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogChunk]:
        return super().get_queryset(request).defer("data")


@admin.register(MetadataChunk)
class MetadataChunkAdmin(ChunkAdmin):
    list_display = ("id", "execution", "first_index", "event_count")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MetadataChunk]:
        return super().get_queryset(request).defer("data")


@admin.register(ResourceSample)
class ResourceSampleAdmin(ChunkAdmin):
    list_display = ("id", "execution", "started_at", "sample_count")


@admin.register(ExecutionInput)
class ExecutionInputAdmin(ChunkAdmin):
    list_display = ("id", "execution", "name", "datum", "version", "address")
    list_select_related = ("execution", "datum", "version__dataset", "address")


@admin.register(InputAddress)
class InputAddressAdmin(PlatformAdmin):
    list_display = ("address", "project", "store", "created_at")
    list_select_related = ("project__owner", "store")
    search_fields = ("address", "project__name")
    search_help_text = "Part of an address or of the name of a project; an id."
    ordering = ("-id",)
