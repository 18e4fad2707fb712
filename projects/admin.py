"""Administration of projects, their code and their variables, for superusers and for the owners of the organization that a
project belongs to. Secrets can be set here and never read."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.current import user_of
from accounts.models import User
from common.admin import ADD, CHANGE, DELETE, PlatformAdmin
from organizations.access import administered_by
from organizations.admin import InvitationBaseAdmin
from organizations.models import OrganizationMembership
from projects import services
from projects.models import (
    Commit,
    FormerAddress,
    GroupVariable,
    OrganizationVariable,
    Project,
    ProjectCollaborator,
    ProjectCounter,
    ProjectInvitation,
    ProjectVariable,
    Repository,
    Variable,
    VariableGroup,
)


def variable_in(form: Any, row: Variable) -> dict[str, Any]:
    """What a form says of a variable; a blank value keeps the one that is stored."""
    return {"name": row.name, "value": form.cleaned_data.get("value"), "secret": row.secret}


class InProjectAdmin(PlatformAdmin):
    """Rows that belong to a project."""

    def tenant_rows(self, user: User) -> Q | None:
        return administered_by(user, "project__owner_id")


@admin.register(Project)
class ProjectAdmin(PlatformAdmin):
    """Its owner changes on the project's own pages, where what follows from it is explained."""

    allows = (CHANGE,)
    list_display = ("name", "owner", "team", "creator", "created_at", "last_execution_at")
    list_select_related = ("owner", "team__organization__owner", "creator")
    list_filter = ("created_at",)
    search_fields = ("name", "owner__name", "description")
    ordering = ("-id",)
    fields = (
        "name", "description", "owner", "team", "creator", "yaml_path", "default_environment_slug",
        "upload_store_id", "default_notifications", "last_execution_at", "id", "created_at", "updated_at",
    )  # fmt: skip
    readonly_fields = (
        "owner", "team", "creator", "upload_store_id", "last_execution_at", "id", "created_at", "updated_at",
    )  # fmt: skip

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "owner_id")

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        services.update_project(project=Project.objects.get(pk=obj.pk), actor=user_of(request), **changes)


@admin.register(FormerAddress)
class FormerAddressAdmin(InProjectAdmin):
    list_display = ("owner", "name", "project")
    list_select_related = ("owner", "project__owner")
    search_fields = ("name", "owner__name", "project__name")
    ordering = ("owner__name", "name")

    def tenant_rows(self, user: User) -> None:
        """An address may lie in somebody else's name space: where the project was before it came to its owner."""


@admin.register(ProjectCollaborator)
class ProjectCollaboratorAdmin(PlatformAdmin):
    allows = (ADD, CHANGE, DELETE)
    list_display = ("project", "user", "is_read_only", "created_at")
    list_display_links = ("project", "user")
    list_select_related = ("project__owner", "user")
    list_filter = ("is_read_only",)
    search_fields = ("project__name", "user__username")
    ordering = ("-id",)
    autocomplete_fields = ("project", "user")
    fields = ("project", "user", "is_read_only")
    fixed_fields = ("project", "user")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "project__owner_id")

    def tenant_choices(self, user: User, field: str) -> Q | None:
        """Members of the organization. Somebody else is invited on the project's own page, by their address."""
        members = OrganizationMembership.objects.filter(administered_by(user, "organization_id"))
        return Q(pk__in=members.values("user_id")) if field == "user" else None

    def save_model(self, request: HttpRequest, obj: ProjectCollaborator, form: Any, change: bool) -> None:
        project, actor, is_read_only = obj.project, user_of(request), obj.is_read_only
        if change:
            services.change_collaborator(
                project=project, actor=actor, user_id=obj.user_id, is_read_only=is_read_only
            )
            return
        saved = services.add_collaborator(
            project=project, actor=actor, user=obj.user, is_read_only=is_read_only
        )
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: ProjectCollaborator) -> None:
        services.remove_collaborator(project=obj.project, actor=user_of(request), user_id=obj.user_id)


@admin.register(ProjectInvitation)
class ProjectInvitationAdmin(InvitationBaseAdmin, InProjectAdmin):
    list_display = (
        "email",
        "project",
        "is_read_only",
        "inviter",
        "sent_at",
        "expires_at",
        "accepted_at",
        "cancelled_at",
    )
    list_select_related = ("project__owner", "inviter")
    list_filter = ("sent_at", "accepted_at", "cancelled_at")
    search_fields = ("email", "project__name")

    def cancel_one(self, invitation: ProjectInvitation, actor: User) -> None:
        services.cancel_invitation(invitation=invitation, actor=actor)


@admin.register(ProjectCounter)
class ProjectCounterAdmin(PlatformAdmin):
    list_display = ("project", "kind", "last_value")
    list_select_related = ("project__owner",)
    list_filter = ("kind",)
    search_fields = ("project__name", "project__owner__name")
    ordering = ("-id",)


@admin.register(Repository)
class RepositoryAdmin(InProjectAdmin):
    allows = (CHANGE,)
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
class CommitAdmin(InProjectAdmin):
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
class ProjectVariableAdmin(InProjectAdmin):
    allows = (ADD, CHANGE, DELETE)
    list_display = ("name", "project", "secret", "updated_at")
    list_select_related = ("project__owner",)
    list_filter = ("secret",)
    search_fields = ("name", "project__name", "project__owner__name")
    ordering = ("-id",)
    autocomplete_fields = ("project",)
    fields = ("project", "name", "value", "secret")
    fixed_fields = ("project", "name")

    def save_model(self, request: HttpRequest, obj: ProjectVariable, form: Any, change: bool) -> None:
        saved = services.set_variable(project=obj.project, actor=user_of(request), **variable_in(form, obj))
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: ProjectVariable) -> None:
        services.delete_variable(project=obj.project, actor=user_of(request), name=obj.name)


@admin.register(OrganizationVariable)
class OrganizationVariableAdmin(PlatformAdmin):
    allows = (ADD, CHANGE, DELETE)
    list_display = ("name", "organization", "secret", "updated_at")
    list_select_related = ("organization__owner",)
    list_filter = ("secret",)
    search_fields = ("name", "organization__owner__name")
    ordering = ("organization__owner__name", "name")
    autocomplete_fields = ("organization",)
    fields = ("organization", "name", "value", "secret")
    fixed_fields = ("organization", "name")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "organization_id")

    def save_model(self, request: HttpRequest, obj: OrganizationVariable, form: Any, change: bool) -> None:
        saved = services.set_organization_variable(
            organization=obj.organization, actor=user_of(request), **variable_in(form, obj)
        )
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: OrganizationVariable) -> None:
        services.delete_organization_variable(
            organization=obj.organization, actor=user_of(request), name=obj.name
        )


@admin.register(VariableGroup)
class VariableGroupAdmin(PlatformAdmin):
    allows = (ADD, CHANGE, DELETE)
    list_display = ("name", "organization", "description", "updated_at")
    list_select_related = ("organization__owner",)
    search_fields = ("name", "organization__owner__name")
    ordering = ("organization__owner__name", "name")
    autocomplete_fields = ("organization", "projects")
    fields = ("organization", "name", "description", "projects")
    fixed_fields = ("organization",)

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "organization_id")

    def save_model(self, request: HttpRequest, obj: VariableGroup, form: Any, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in ("name", "description", "projects")}
        if change:
            services.update_group(group=VariableGroup.objects.get(pk=obj.pk), actor=user_of(request), **given)
            return
        saved = services.create_group(organization=obj.organization, actor=user_of(request), **given)
        obj.pk = saved.pk

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The services have written the projects already."""

    def delete_model(self, request: HttpRequest, obj: VariableGroup) -> None:
        services.delete_group(group=obj, actor=user_of(request))


@admin.register(GroupVariable)
class GroupVariableAdmin(PlatformAdmin):
    allows = (ADD, CHANGE, DELETE)
    list_display = ("name", "group", "secret", "updated_at")
    list_select_related = ("group",)
    list_filter = ("secret",)
    search_fields = ("name", "group__name", "group__organization__owner__name")
    ordering = ("group__name", "name")
    autocomplete_fields = ("group",)
    fields = ("group", "name", "value", "secret")
    fixed_fields = ("group", "name")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "group__organization_id")

    def save_model(self, request: HttpRequest, obj: GroupVariable, form: Any, change: bool) -> None:
        saved = services.set_group_variable(group=obj.group, actor=user_of(request), **variable_in(form, obj))
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: GroupVariable) -> None:
        services.delete_group_variable(group=obj.group, actor=user_of(request), name=obj.name)
