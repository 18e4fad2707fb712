"""Administration of projects and their code. Secrets can be set here and never read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.current import user_of
from common.admin import PlatformAdmin, ReadOnlyAdmin
from projects import services
from projects.models import Commit, Project, ProjectCollaborator, ProjectCounter, ProjectVariable, Repository


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "team", "creator", "created_at", "last_execution_at")
    list_select_related = ("owner", "team__organization__owner", "creator")
    list_filter = ("created_at",)
    search_fields = ("name", "owner__name", "description")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at", "updated_at")


@admin.register(ProjectCollaborator)
class ProjectCollaboratorAdmin(PlatformAdmin):
    list_display = ("project", "user", "is_read_only", "created_at")
    list_display_links = ("project", "user")
    list_select_related = ("project__owner", "user")
    list_filter = ("is_read_only",)
    search_fields = ("project__name", "user__username")
    ordering = ("-id",)
    autocomplete_fields = ("project", "user")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("project", "user") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


@admin.register(ProjectCounter)
class ProjectCounterAdmin(ReadOnlyAdmin):
    list_display = ("project", "kind", "last_value")
    list_select_related = ("project__owner",)
    list_filter = ("kind",)
    search_fields = ("project__name", "project__owner__name")
    ordering = ("-id",)


@admin.register(Repository)
class RepositoryAdmin(PlatformAdmin):
    list_display = ("project", "url", "fetch_reference", "last_fetched_at")
    list_select_related = ("project__owner",)
    search_fields = ("url", "project__name", "project__owner__name")
    ordering = ("-id",)
    fields = (
        "project", "url", "fetch_reference", "access_token", "private_key", "public_key", "lfs_enabled",
        "known_hosts", "last_fetched_at", "last_fetch_errors",
    )  # fmt: skip
    readonly_fields = ("project", "public_key", "known_hosts", "last_fetched_at", "last_fetch_errors")
    multiline_secrets = ("private_key",)
    actions = ("forget_known_hosts",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Repository, form: Any, change: bool) -> None:
        services.set_repository(
            project=obj.project,
            actor=user_of(request),
            url=obj.url,
            fetch_reference=obj.fetch_reference,
            access_token=form.cleaned_data.get("access_token"),
            private_key=form.cleaned_data.get("private_key"),
            lfs_enabled=obj.lfs_enabled,
        )

    @admin.action(description="Forget the host keys: the next fetch accepts new ones")
    def forget_known_hosts(self, request: HttpRequest, rows: QuerySet[Repository]) -> None:
        actor = user_of(request)
        self.act_on_each(
            request,
            rows.select_related("project"),
            lambda row: services.forget_known_hosts(project=row.project, actor=actor),
            "repositories accept new host keys",
        )


@admin.register(Commit)
class CommitAdmin(ReadOnlyAdmin):
    list_display = ("short_identifier", "project", "ref", "adhoc", "committed_at", "author")
    list_select_related = ("project__owner",)
    list_filter = ("adhoc", "committed_at")
    search_fields = ("identifier", "ref", "project__name", "author")
    ordering = ("-id",)
    exclude = ("config",)
    readonly_fields = ("id", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Commit]:
        return super().get_queryset(request).defer("config", "yaml_source", "config_errors")


@admin.register(ProjectVariable)
class ProjectVariableAdmin(PlatformAdmin):
    list_display = ("name", "project", "secret", "updated_at")
    list_select_related = ("project__owner",)
    list_filter = ("secret",)
    search_fields = ("name", "project__name", "project__owner__name")
    ordering = ("-id",)
    autocomplete_fields = ("project",)
    fields = ("project", "name", "value", "secret")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("project", "name") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def save_model(self, request: HttpRequest, obj: ProjectVariable, form: Any, change: bool) -> None:
        saved = services.set_variable(
            project=obj.project, actor=user_of(request), name=obj.name, value=obj.value, secret=obj.secret
        )
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: ProjectVariable) -> None:
        services.delete_variable(project=obj.project, actor=user_of(request), name=obj.name)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ProjectVariable]) -> None:
        self.act_on_each(
            request,
            queryset.select_related("project"),
            lambda row: self.delete_model(request, row),
            "variables are deleted",
        )
