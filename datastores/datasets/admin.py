"""Datasets in the administration site: to look at. They are changed on the pages and by the API, and never deleted for good."""

from django.contrib import admin
from django.db.models import Q

from accounts.models import User
from common.admin import PlatformAdmin
from datastores.datasets.models import (
    Dataset,
    DatasetFile,
    DatasetPackage,
    DatasetVersion,
    DatasetVersionAlias,
    DatasetVersionAliasMove,
)
from organizations.access import administered_by


@admin.register(Dataset)
class DatasetAdmin(PlatformAdmin):
    list_display = ("name", "owner", "for_every_project", "created_at", "deleted_at")
    list_select_related = ("owner",)
    list_filter = ("for_every_project", "deleted_at")
    search_fields = ("name", "owner__name")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at", "updated_at")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "owner_id")


class OfDatasetAdmin(PlatformAdmin):
    """What belongs to a dataset is for the owners of its organization."""

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "dataset__owner_id")


@admin.register(DatasetVersion)
class DatasetVersionAdmin(OfDatasetAdmin):
    list_display = ("name", "dataset", "file_count", "size_bytes", "execution_counter", "created_at")
    list_select_related = ("dataset",)
    search_fields = ("name", "dataset__name")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at", "updated_at")


@admin.register(DatasetFile)
class DatasetFileAdmin(PlatformAdmin):
    list_display = ("name", "version", "datum")
    list_select_related = ("version__dataset", "datum")
    search_fields = ("name",)
    ordering = ("-id",)

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "version__dataset__owner_id")


@admin.register(DatasetPackage)
class DatasetPackageAdmin(PlatformAdmin):
    list_display = (
        "version",
        "status",
        "file_count",
        "size_bytes",
        "store",
        "attempts",
        "problem",
        "created_at",
    )
    list_select_related = ("version__dataset", "store")
    list_filter = ("status",)
    search_fields = ("version__name", "version__dataset__name", "key")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at", "updated_at")

    def tenant_rows(self, user: User) -> Q:
        return administered_by(user, "version__dataset__owner_id")


@admin.register(DatasetVersionAlias)
class DatasetVersionAliasAdmin(OfDatasetAdmin):
    list_display = ("name", "dataset", "version", "updated_at")
    list_select_related = ("dataset", "version__dataset")
    search_fields = ("name", "dataset__name")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at", "updated_at")


@admin.register(DatasetVersionAliasMove)
class DatasetVersionAliasMoveAdmin(OfDatasetAdmin):
    list_display = ("alias_name", "dataset", "previous_version", "version", "mover", "created_at")
    list_select_related = ("dataset", "previous_version__dataset", "version__dataset", "mover")
    search_fields = ("alias_name", "dataset__name")
    ordering = ("-id",)
    readonly_fields = ("id", "created_at", "updated_at")
