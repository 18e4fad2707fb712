"""Reads of environments. Every list starts from what the user may use."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q, QuerySet

from accounts.models import User
from environments.access import environments_usable_by
from environments.errors import EnvironmentMissing, EnvironmentNotFound, NoEnvironment
from environments.models import Environment
from projects.models import Project

LOCAL_SLUG = "local"
PROJECT_DEFAULT = "PROJECT_DEFAULT"


def environments_for(user: User | AnonymousUser) -> QuerySet[Environment]:
    return (
        Environment.objects.filter(environments_usable_by(user))
        .select_related("owner")
        .order_by("name", "slug")
    )


def with_unfinished_jobs(environments: QuerySet[Environment]) -> QuerySet[Environment]:
    """Adds `unfinished_job_count`. Executions belong to a higher app and are reached through their model's relation."""
    unfinished = Q(executions__ended_at__isnull=True, executions__deleted_at__isnull=True)
    return environments.annotate(unfinished_job_count=Count("executions", filter=unfinished))


def named(environments: QuerySet[Environment], reference: str) -> Environment:
    """The one of these that has this slug or id."""
    found = _named(environments, reference)
    if found is None:
        raise EnvironmentMissing(reference)
    return found


def resolve_environment(user: User | AnonymousUser, reference: str, project: Project) -> Environment:
    """The environment that a request means: slug, id or `PROJECT_DEFAULT`."""
    if reference == PROJECT_DEFAULT:
        return default_environment(user, project)
    found = _named(environments_for(user), reference)
    if found is None:
        raise EnvironmentNotFound(reference)
    return found


def default_environment(user: User | AnonymousUser, project: Project) -> Environment:
    """The project's choice where the user may use it, else the installation's own, else the first by name."""
    usable = environments_for(user)
    for slug in (project.default_environment_slug, LOCAL_SLUG):
        found = usable.filter(slug=slug).first() if slug else None
        if found is not None:
            return found
    first = usable.first()
    if first is None:
        raise NoEnvironment
    return first


def _named(environments: QuerySet[Environment], reference: str) -> Environment | None:
    if "\0" in reference:
        return None
    try:
        named = Q(pk=UUID(reference)) | Q(slug=reference)
    except ValueError:
        named = Q(slug=reference)
    return environments.filter(named).first()
