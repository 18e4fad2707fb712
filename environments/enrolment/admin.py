"""Enrolment tokens and enrolled workers in the administration site: to look at and to revoke."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.current import user_of
from accounts.models import User
from common.admin import PlatformAdmin
from environments.enrolment import services
from environments.models import EnrolmentToken, WorkerCredential
from organizations.access import administered_by


class OfEnvironmentAdmin(PlatformAdmin):
    """What belongs to an environment is for the owners of its organization."""

    exclude = ("digest", "redis_digest")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at", "updated_at")
    actions = ("revoke",)

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "environment__owner_id")


@admin.register(EnrolmentToken)
class EnrolmentTokenAdmin(OfEnvironmentAdmin):
    list_display = ("hint", "environment", "creator", "used", "uses", "expires_at", "revoked_at")
    list_select_related = ("environment__owner", "creator")
    search_fields = ("hint", "environment__slug", "machine_id")

    @admin.action(description="Revoke: it lets no machine in any more")
    def revoke(self, request: HttpRequest, rows: QuerySet[EnrolmentToken]) -> None:
        actor = user_of(request)
        self.act_on_each(
            request,
            rows,
            lambda token: services.revoke_token(token=token, actor=actor),
            "tokens are revoked",
        )


@admin.register(WorkerCredential)
class WorkerCredentialAdmin(OfEnvironmentAdmin):
    list_display = ("worker", "environment", "token", "heard_at", "clone_host", "revoked_at")
    list_select_related = ("worker", "environment__owner", "token")
    search_fields = ("worker__identity", "worker__host", "environment__slug", "machine_id")

    @admin.action(description="Revoke: it takes no more jobs, and what it runs ends as crashed")
    def revoke(self, request: HttpRequest, rows: QuerySet[WorkerCredential]) -> None:
        actor = user_of(request)
        self.act_on_each(
            request,
            rows,
            lambda credential: services.revoke_worker(credential=credential, actor=actor),
            "workers are revoked",
        )
