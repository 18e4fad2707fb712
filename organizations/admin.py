"""Administration of organizations, teams and who is in them. Every change goes through the services."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.current import user_of
from accounts.models import OWNER_NAME, Owner
from common.admin import PlatformAdmin
from organizations import services
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership


class NewOrganizationForm(forms.ModelForm):  # type: ignore[type-arg]
    name = forms.CharField(max_length=64, validators=[OWNER_NAME])

    class Meta:
        model = Organization
        fields: tuple[str, ...] = ()

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Owner.objects.filter(name__iexact=name).exists():
            raise forms.ValidationError("A user or organization of this name exists already.")
        return name


@admin.register(Organization)
class OrganizationAdmin(PlatformAdmin):
    form = NewOrganizationForm
    list_display = ("name", "id", "created_at")
    list_select_related = ("owner",)
    search_fields = ("owner__name",)
    ordering = ("owner__name",)
    fields = ("name",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "id", "created_at") if obj else ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "id", "created_at") if obj else ()

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        created = services.create_organization(actor=user_of(request), name=form.cleaned_data["name"])
        obj.owner, obj.created_at = created.owner, created.created_at


@admin.register(OrganizationMembership)
class OrganizationMembershipAdmin(PlatformAdmin):
    list_display = ("organization", "user", "role", "created_at")
    list_display_links = ("organization", "user")
    list_select_related = ("organization__owner", "user")
    list_filter = ("role",)
    search_fields = ("organization__owner__name", "user__username", "user__email")
    ordering = ("organization__owner__name", "user__username")
    autocomplete_fields = ("organization", "user")
    fields = ("organization", "user", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("organization", "user") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def save_model(self, request: HttpRequest, obj: OrganizationMembership, form: Any, change: bool) -> None:
        saved = services.add_member(
            organization=obj.organization, actor=user_of(request), user=obj.user, role=obj.role
        )
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: OrganizationMembership) -> None:
        services.remove_member(organization=obj.organization, actor=user_of(request), user=obj.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OrganizationMembership]) -> None:
        self.act_on_each(
            request, queryset, lambda row: self.delete_model(request, row), "memberships have ended"
        )


@admin.register(Team)
class TeamAdmin(PlatformAdmin):
    list_display = ("name", "organization", "created_at")
    list_select_related = ("organization__owner",)
    search_fields = ("name", "organization__owner__name")
    ordering = ("organization__owner__name", "name")
    autocomplete_fields = ("organization",)
    fields = ("organization", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("organization",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name", "updated_at"])
            return
        created = services.create_team(organization=obj.organization, actor=user_of(request), name=obj.name)
        obj.pk = created.pk


@admin.register(TeamMembership)
class TeamMembershipAdmin(PlatformAdmin):
    list_display = ("team", "user", "is_read_only", "allow_project_administration", "created_at")
    list_display_links = ("team", "user")
    list_select_related = ("team__organization__owner", "user")
    list_filter = ("is_read_only", "allow_project_administration")
    search_fields = ("team__name", "user__username", "user__email")
    ordering = ("team__name", "user__username")
    autocomplete_fields = ("team", "user")
    fields = ("team", "user", "is_read_only", "allow_project_administration")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("team", "user") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

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

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[TeamMembership]) -> None:
        self.act_on_each(
            request, queryset, lambda row: self.delete_model(request, row), "memberships have ended"
        )
