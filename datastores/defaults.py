"""Stores as defaults: where a project's outputs go, and those of the new projects of an organization."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from datastores.errors import DefaultStoreRefused
from datastores.models import DataStore
from datastores.selectors import find_upload_store
from organizations.models import Organization
from projects.models import Project


def check_store_of_project(project: Project, actor: User, changed: Mapping[str, Any]) -> None:
    """Raises `DefaultStoreRefused` for a store that the project may not write to."""
    chosen: UUID | None = changed.get("upload_store_id")
    if chosen is not None and find_upload_store(project, str(chosen)) is None:
        raise DefaultStoreRefused("upload_store_id", chosen, "this project")


def check_store_of_organization(organization: Organization, changed: dict[str, Any]) -> None:
    """Raises `DefaultStoreRefused` for a store that not every project of the organization could write to."""
    chosen = changed.get("default_store_id")
    if chosen is not None and not default_stores_of(organization).filter(pk=chosen).exists():
        raise DefaultStoreRefused("default_store_id", chosen, f"every project of {organization}")


def default_stores_of(organization: Organization) -> QuerySet[DataStore]:
    """What can be the store of every new project of the organization, by name."""
    shared = Q(
        owner_id=organization.pk, project__isnull=True, access_mode=DataStore.AccessMode.OWNER_ORGANIZATION
    )
    return DataStore.objects.filter(shared | Q(is_default=True), allow_write=True).order_by("name")
