"""Environments as defaults: of a project, and of the new projects of an organization."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import User
from audit.services import record_change, snapshot
from environments.errors import DefaultRefused, EnvironmentNotAvailable, EnvironmentNotFound
from environments.selectors import resolve_environment, usable_by_projects_of
from organizations.access import Capability, require_in
from organizations.models import Organization
from projects.models import Project

_FIELD = "default_environment_slug"


def check_default_of_project(project: Project, actor: User, changed: Mapping[str, Any]) -> None:
    """Raises `DefaultRefused` for an environment that whoever chooses it may not use there."""
    slug = changed.get(_FIELD)
    if not slug:
        return
    try:
        project.default_environment_slug = resolve_environment(actor, slug, project).slug
    except (EnvironmentNotFound, EnvironmentNotAvailable) as error:
        raise DefaultRefused(error.message, code=error.code) from error


def check_default_of_organization(organization: Organization, changed: dict[str, Any]) -> None:
    """Raises `DefaultRefused` for an environment that projects of the organization could not use."""
    slug = changed.get(_FIELD)
    if slug and not usable_by_projects_of(organization).filter(slug=slug).exists():
        raise DefaultRefused(
            f"'{slug}' is no environment that projects of {organization} can use. Choose an enabled one that belongs to no "
            "team and no member.",
            field=_FIELD,
            code="does_not_exist",
        )


@transaction.atomic
def set_default_of_organization(*, organization: Organization, actor: User, slug: str) -> None:
    """What new projects of the organization begin with; empty: the installation's own."""
    require_in(actor, Capability.ADMINISTER, organization)
    row = Organization.objects.select_for_update(no_key=True, of=("self",)).get(pk=organization.pk)
    check_default_of_organization(row, {_FIELD: slug})
    before = snapshot(row, [_FIELD])
    row.default_environment_slug = slug
    row.save(update_fields=[_FIELD])
    record_change(
        "organization.changed", actor=actor, target=row, before=before, after=snapshot(row, [_FIELD])
    )
