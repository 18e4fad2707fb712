"""Administration of users, what proves who they are, and the name space that they share with organizations. For superusers."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from accounts import services
from accounts.current import user_of
from accounts.errors import NameRefused
from accounts.models import ApiToken, EmailAddress, Owner, RecoveryCode, TotpDevice, User, UserSession
from accounts.names import checked_owner_name
from audit.admin import AuditedAdmin
from common.admin import ADD, CHANGE, DELETE, PlatformAdmin

PASSWORD_PAGE = "auth_user_password_change"  # noqa: S105  (the name of an address)

admin.site.unregister(Group)  # access comes from organizations, teams and projects, not from Django's groups


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("username", "email")

    def clean_username(self) -> str:
        try:
            return checked_owner_name(self.cleaned_data["username"])
        except NameRefused as error:
            raise forms.ValidationError(error.message, error.code) from error


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "is_superuser")


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """The name cannot change, because addresses of projects begin with it."""

    allows = (ADD, CHANGE)
    form = UserForm
    add_form = NewUserForm
    list_display = (
        "username",
        "email",
        "display_name",
        "is_active",
        "is_superuser",
        "last_login",
        "created_at",
    )
    list_filter = ("is_active", "is_superuser")
    search_fields = ("username", "email", "first_name", "last_name")
    ordering = ("username",)
    filter_horizontal = ()
    actions = ("disable_users", "enable_users", "revoke_tokens")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("email", "first_name", "last_name")}),
        ("Access", {"fields": ("is_active", "is_superuser")}),
        ("Times", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = ("username", "is_active", "last_login", "created_at")
        # Nobody takes their own rights away by mistake, so that somebody is always left.
        return (*fixed, "is_superuser") if obj == request.user else fixed if obj else ()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change:
            services.save_changed_user(user=obj, actor=user_of(request))
        else:
            services.save_new_user(user=obj, actor=user_of(request))

    @method_decorator(sensitive_post_parameters())
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """Django's page for a new password saves it by itself, and says so here only."""
        if request.resolver_match and request.resolver_match.url_name == PASSWORD_PAGE:
            key = request.session.session_key
            services.password_was_set(user=obj, actor=user_of(request), keep_session=key)
        return super().log_change(request, obj, message)

    @admin.action(description="Disable: no login, no API")
    def disable_users(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        actor = user_of(request)
        self.act_on_each(
            request, rows, lambda user: services.disable_user(user=user, actor=actor), "users are disabled"
        )

    @admin.action(description="Enable again")
    def enable_users(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        actor = user_of(request)
        self.act_on_each(
            request, rows, lambda user: services.enable_user(user=user, actor=actor), "users are enabled"
        )

    @admin.action(description="Revoke all API tokens")
    def revoke_tokens(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        actor = user_of(request)
        tokens = list(ApiToken.objects.filter(user__in=rows).select_related("user"))
        for token in tokens:
            services.revoke_api_token(token=token, actor=actor)
        self.message_user(request, f"{len(tokens)} tokens are revoked.", messages.SUCCESS)


@admin.register(ApiToken)
class ApiTokenAdmin(PlatformAdmin):
    list_display = ("name", "hint", "user", "access_scope", "created_at", "last_used_at", "expires_at")
    list_select_related = ("user",)
    list_filter = ("access_scope", "created_at", "last_used_at")
    search_fields = ("name", "user__username", "hint")
    ordering = ("-id",)
    exclude = ("digest",)
    readonly_fields = ("id", "created_at")
    actions = ("revoke",)

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> None:
        actor = user_of(request)
        self.act_on_each(
            request,
            rows,
            lambda token: services.revoke_api_token(token=token, actor=actor),
            "tokens are revoked",
        )


@admin.register(EmailAddress)
class EmailAddressAdmin(PlatformAdmin):
    list_display = ("email", "user", "is_primary", "verified_at")
    list_select_related = ("user",)
    list_filter = ("is_primary", "verified_at")
    search_fields = ("email", "user__username")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at")


@admin.register(TotpDevice)
class TotpDeviceAdmin(PlatformAdmin):
    """The seed is not shown. Who lost their device and their codes asks a superuser to take the device away."""

    allows = (DELETE,)
    list_display = ("user", "confirmed_at")
    list_select_related = ("user",)
    list_filter = ("confirmed_at",)
    search_fields = ("user__username", "user__email")
    ordering = ("user__username",)
    fields = ("user", "confirmed_at")

    def delete_model(self, request: HttpRequest, obj: TotpDevice) -> None:
        services.remove_two_factor(user=obj.user, actor=user_of(request))


@admin.register(RecoveryCode)
class RecoveryCodeAdmin(PlatformAdmin):
    list_display = ("user", "created_at", "used_at")
    list_select_related = ("user",)
    list_filter = ("used_at",)
    search_fields = ("user__username",)
    ordering = ("-id",)
    exclude = ("digest",)


@admin.register(UserSession)
class UserSessionAdmin(PlatformAdmin):
    list_display = ("user", "ip_address", "user_agent", "created_at", "last_seen_at")
    list_select_related = ("user",)
    list_filter = ("last_seen_at",)
    search_fields = ("user__username", "ip_address__startswith")
    ordering = ("-id",)
    exclude = ("session_key",)
    readonly_fields = ("id", "created_at")


@admin.register(Owner)
class OwnerAdmin(PlatformAdmin):
    list_display = ("name", "kind", "id")
    list_filter = ("kind",)
    search_fields = ("name",)
    ordering = ("name",)
