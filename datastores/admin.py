"""Administration of stores and stored files, for superusers and for the owners of the organization that they belong to."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.current import user_of
from accounts.models import User
from common.admin import CHANGE, DELETE, PlatformAdmin
from datastores import connecting, services
from datastores.connecting import RIGHTS
from datastores.datasets import admin as datasets
from datastores.models import (
    Adoption,
    AdoptionResult,
    DataStore,
    Datum,
    DatumAlias,
    DatumAliasMove,
    RetentionRule,
)
from organizations.access import administered_by

__all__ = ["DataStoreAdmin", "DatumAdmin", "DatumAliasAdmin", "datasets"]


@admin.register(DataStore)
class DataStoreAdmin(PlatformAdmin):
    """Connected on the pages, which know what each kind needs and where its secrets go."""

    allows = (CHANGE,)
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
    fields = (
        "name", "kind", "access_mode", "owner", "project", "teams", *RIGHTS, "is_default",
        "configuration",
    )  # fmt: skip
    autocomplete_fields = ("teams",)
    readonly_fields = ("kind", "is_default", "owner", "project", "configuration")

    def tenant_rows(self, user: User) -> Q:
        return Q(administered_by(user, "owner_id"), project__isnull=True) | administered_by(
            user, "project__owner_id"
        )

    def save_model(self, request: HttpRequest, obj: DataStore, form: Any, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in form.changed_data}
        rights = {name: given.pop(name) for name in RIGHTS if name in given}
        connecting.change_store(
            store=DataStore.objects.get(pk=obj.pk), actor=user_of(request), rights=rights, **given
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The service has written the teams."""


@admin.register(Datum)
class DatumAdmin(PlatformAdmin):
    list_display = ("name", "project", "output_execution_counter", "size_bytes", "stored_at", "purged_at")
    list_select_related = ("project__owner",)
    list_filter = ("stored_at", "purged_at", ("store", admin.RelatedOnlyFieldListFilter))
    search_fields = ("name", "project__name", "sha256")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at")
    actions = ("purge",)

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "project__owner_id")

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
class DatumAliasAdmin(PlatformAdmin):
    """Moved on the pages, which let one choose a file."""

    allows = (DELETE,)
    list_display = ("name", "project", "datum", "updated_at")
    list_select_related = ("project__owner", "datum")
    search_fields = ("name", "project__name", "datum__name")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at", "updated_at")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "project__owner_id")

    def delete_model(self, request: HttpRequest, obj: DatumAlias) -> None:
        services.delete_alias(alias=obj, actor=user_of(request))


@admin.register(Adoption)
class AdoptionAdmin(PlatformAdmin):
    """To look at; they are started and cancelled on the project's pages."""

    list_display = (
        "id", "project", "store", "state", "adopted_count", "known_count", "refused_count", "progressed_at",
    )  # fmt: skip
    list_select_related = ("project__owner", "store")
    list_filter = ("state",)
    search_fields = ("project__name",)
    ordering = ("-id",)
    readonly_fields = ("id", "created_at")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "project__owner_id")


@admin.register(AdoptionResult)
class AdoptionResultAdmin(PlatformAdmin):
    list_display = ("id", "adoption", "outcome", "uri", "message")
    list_select_related = ("adoption",)
    list_filter = ("outcome",)
    search_fields = ("=uri",)
    ordering = ("-id",)
    readonly_fields = ("id",)

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "adoption__project__owner_id")


@admin.register(DatumAliasMove)
class DatumAliasMoveAdmin(PlatformAdmin):
    """History: to look at."""

    list_display = ("name", "project", "from_name", "to_name", "actor_name", "execution_counter", "moved_at")
    list_select_related = ("project__owner",)
    search_fields = ("name", "project__name")
    ordering = ("-id",)
    readonly_fields = ("id", "moved_at")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "project__owner_id")


@admin.register(RetentionRule)
class RetentionRuleAdmin(PlatformAdmin):
    """To look at; rules are tried and enabled in the settings of their project."""

    list_display = ("name", "project", "store", "min_age_days", "tag", "name_pattern", "only_unused", "enabled_at", "purged_count")  # fmt: skip
    list_select_related = ("project__owner", "store")
    search_fields = ("name", "project__name")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "project__owner_id")
