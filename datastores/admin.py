"""Administration of stores and stored files."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.current import user_of
from common.admin import PlatformAdmin, ReadOnlyAdmin
from datastores import services
from datastores.models import DataStore, Datum, DatumAlias


@admin.register(DataStore)
class DataStoreAdmin(PlatformAdmin):
    list_display = (
        "name",
        "kind",
        "access_mode",
        "owner",
        "project",
        "allow_read",
        "allow_write",
        "is_default",
    )
    list_select_related = ("owner", "project__owner")
    list_filter = ("kind", "access_mode", "is_default")
    search_fields = ("name", "project__name", "owner__name")
    ordering = ("name",)
    readonly_fields = ("kind", "is_default", "owner", "project")
    multiline_secrets = ("credentials",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Datum)
class DatumAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "output_execution_counter", "size_bytes", "stored_at", "purged_at")
    list_select_related = ("project__owner",)
    list_filter = ("stored_at", "purged_at", ("store", admin.RelatedOnlyFieldListFilter))
    search_fields = ("name", "project__name", "sha256")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at")
    actions = ("purge",)

    @admin.action(description="Purge: delete the content, keep the record")
    def purge(self, request: HttpRequest, rows: QuerySet[Datum]) -> HttpResponse | None:
        question = self.ask_first(
            request,
            rows,
            action="purge",
            question=f"Delete the content of {rows.count()} files?",
            detail="It cannot be brought back. Executions that use the files as inputs will fail.",
            answer="Yes, purge them",
        )
        if question is None:
            actor = user_of(request)
            self.act_on_each(
                request,
                rows.select_related("project"),
                lambda datum: services.purge_datum(datum=datum, actor=actor),
                "files are purged",
            )
        return question


@admin.register(DatumAlias)
class DatumAliasAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "datum", "updated_at")
    list_select_related = ("project__owner", "datum")
    search_fields = ("name", "project__name", "datum__name")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at", "updated_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True
