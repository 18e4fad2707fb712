"""Administration of organizations, teams and who is in them, for superusers and for the owners of each organization.
Every change goes through the services."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.current import user_of
from accounts.errors import NameRefused
from accounts.models import User
from accounts.names import checked_owner_name
from audit.models import AuditEvent
from common.admin import ADD, CHANGE, DELETE, PlatformAdmin
from common.admin_site import admits
from organizations import services
from organizations.access import Role, administered_by, memberships_of
from organizations.models import (
    PENDING,
    Invitation,
    Organization,
    OrganizationMembership,
    Team,
    TeamMembership,
)


def owns_an_organization(user: User) -> bool:
    return memberships_of(user).filter(role=Role.OWNER).exists()


admits.append(owns_an_organization)

SETTINGS = (
    "require_2fa", "max_token_lifetime_days", "forbid_personal_projects", "forbid_public_stores",
    "auto_accept_invitations", "default_debug_port", "default_environment_slug", "default_store_id",
)  # fmt: skip


class NewOrganizationForm(forms.ModelForm):  # type: ignore[type-arg]
    name = forms.CharField(max_length=64)

    class Meta:
        model = Organization
        fields: tuple[str, ...] = ()

    def clean_name(self) -> str:
        try:
            return checked_owner_name(self.cleaned_data["name"])
        except NameRefused as error:
            raise forms.ValidationError(error.message) from error


@admin.register(Organization)
class OrganizationAdmin(PlatformAdmin):
    allows = (ADD, CHANGE)
    allows_tenants = (CHANGE,)
    list_display = ("name", "id", "require_2fa", "created_at")
    list_select_related = ("owner",)
    search_fields = ("owner__name",)
    ordering = ("owner__name",)

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "pk")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(
            request, obj, change, **kwargs if obj else {**kwargs, "form": NewOrganizationForm}
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "id", "created_at", *SETTINGS) if obj else ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "id", "created_at") if obj else ()

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            services.change_settings(
                organization=Organization.objects.get(pk=obj.pk), actor=user_of(request), **changes
            )
            return
        created = services.create_organization(actor=user_of(request), name=form.cleaned_data["name"])
        obj.owner, obj.created_at = created.owner, created.created_at


@admin.register(OrganizationMembership)
class OrganizationMembershipAdmin(PlatformAdmin):
    """Owners change roles and remove members. Whom they do not know yet, they invite: here they would try out names."""

    allows = (ADD, CHANGE, DELETE)
    allows_tenants = (CHANGE, DELETE)
    list_display = ("organization", "user", "role", "created_at")
    list_display_links = ("organization", "user")
    list_select_related = ("organization__owner", "user")
    list_filter = ("role",)
    search_fields = ("organization__owner__name", "user__username", "user__email")
    ordering = ("organization__owner__name", "user__username")
    autocomplete_fields = ("organization", "user")
    fields = ("organization", "user", "role")
    fixed_fields = ("organization", "user")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "organization_id")

    def save_model(self, request: HttpRequest, obj: OrganizationMembership, form: Any, change: bool) -> None:
        save = services.change_role if change else services.add_member
        saved = save(organization=obj.organization, actor=user_of(request), user=obj.user, role=obj.role)
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: OrganizationMembership) -> None:
        services.remove_member(organization=obj.organization, actor=user_of(request), user=obj.user)


class InvitationBaseAdmin(PlatformAdmin):
    """Invitations of one kind, to look at and to cancel."""

    ordering = ("-id",)
    exclude = ("digest",)
    readonly_fields = ("id", "created_at")
    actions = ("cancel",)

    def cancel_one(self, invitation: Any, actor: User) -> None:
        """Calls the service."""
        raise NotImplementedError

    @admin.action(description="Cancel: the link in the mail no longer works")
    def cancel(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        actor = user_of(request)
        self.act_on_each(
            request,
            rows.filter(PENDING),
            lambda row: self.cancel_one(row, actor),
            "invitations are cancelled",
        )


@admin.register(Invitation)
class InvitationAdmin(InvitationBaseAdmin):
    list_display = (
        "email",
        "organization",
        "role",
        "inviter",
        "sent_at",
        "expires_at",
        "accepted_at",
        "cancelled_at",
    )
    list_select_related = ("organization__owner", "inviter")
    list_filter = ("role", "sent_at", "accepted_at", "cancelled_at")
    search_fields = ("email", "organization__owner__name")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "organization_id")

    def cancel_one(self, invitation: Invitation, actor: User) -> None:
        services.cancel_invitation(invitation=invitation, actor=actor)


@admin.register(Team)
class TeamAdmin(PlatformAdmin):
    allows = (ADD, CHANGE)
    list_display = ("name", "organization", "created_at")
    list_select_related = ("organization__owner",)
    search_fields = ("name", "organization__owner__name")
    ordering = ("organization__owner__name", "name")
    autocomplete_fields = ("organization",)
    fields = ("organization", "name")
    fixed_fields = ("organization",)

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "organization_id")

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        if change:
            services.rename_team(team=Team.objects.get(pk=obj.pk), actor=user_of(request), name=obj.name)
            return
        created = services.create_team(organization=obj.organization, actor=user_of(request), name=obj.name)
        obj.pk = created.pk


@admin.register(TeamMembership)
class TeamMembershipAdmin(PlatformAdmin):
    allows = (ADD, CHANGE, DELETE)
    list_display = ("team", "user", "is_read_only", "allow_project_administration", "created_at")
    list_display_links = ("team", "user")
    list_select_related = ("team__organization__owner", "user")
    list_filter = ("is_read_only", "allow_project_administration")
    search_fields = ("team__name", "user__username", "user__email")
    ordering = ("team__name", "user__username")
    autocomplete_fields = ("team", "user")
    fields = ("team", "user", "is_read_only", "allow_project_administration")
    fixed_fields = ("team", "user")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "team__organization_id")

    def tenant_choices(self, user: User, field: str) -> Q | None:
        """Only who is in an organization can be put into one of its teams."""
        members = OrganizationMembership.objects.filter(administered_by(user, "organization_id"))
        return Q(pk__in=members.values("user_id")) if field == "user" else None

    def save_model(self, request: HttpRequest, obj: TeamMembership, form: Any, change: bool) -> None:
        saved = services.add_team_member(
            team=obj.team,
            actor=user_of(request),
            user=obj.user,
            is_read_only=obj.is_read_only,
            allow_project_administration=obj.allow_project_administration,
        )
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: TeamMembership) -> None:
        services.remove_team_member(team=obj.team, actor=user_of(request), user=obj.user)


@admin.register(AuditEvent)
class AuditEventAdmin(PlatformAdmin):
    """To read and nothing else: the database refuses more than that. Registered here, because organizations say who reads."""

    list_display = (
        "created_at",
        "kind",
        "actor_name",
        "target_name",
        "project_name",
        "channel",
        "ip_address",
    )
    list_filter = ("created_at",)
    search_fields = ("kind__startswith", "actor_name__iexact", "target_id__exact", "project_name__iexact")
    search_help_text = (
        "The beginning of a kind, the name of an actor or project, or the id of what was changed."
    )
    ordering = ("-created_at", "-id")
    # Besides the owner of the thing these are other organizations of the person: no business of a tenant's.
    exclude = ("owner_ids",)

    def tenant_rows(self, user: User) -> Q:
        owned = memberships_of(user).filter(role=Role.OWNER).values("organization_id")
        return Q(owner_ids__overlap=ArraySubquery(owned))
