"""Reads of environments. Every list starts from what the user may use."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q, QuerySet

from accounts.models import Owner, User
from environments.access import environments_usable_by
from environments.errors import EnvironmentMissing, EnvironmentNotFound, NoEnvironment
from environments.models import Environment, TeamPlace
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


def default_is_usable(project: Project) -> bool:
    """Whether the environment that the project names as its default is one for its owner's projects at all.

    Who may run on it there is another question: see `default_environment`.
    """
    of_nobody, of_owner = Q(owner__isnull=True), Q(owner_id=project.owner_id)
    if project.owner.kind == Owner.Kind.USER:
        usable = environments_usable_by(project.owner.user) & Q(allow_personal_usage=True)
    elif project.team_id is None:
        usable = of_nobody | of_owner
    else:
        places = TeamPlace.objects.filter(team_id=project.team_id).exclude(max_running=0)
        open_to_team = Q(team__isnull=True, restricted_to_teams=False) | Q(team_id=project.team_id)
        usable = of_nobody | of_owner & (open_to_team | Q(pk__in=places.values("environment_id")))
    return Environment.objects.filter(usable, slug=project.default_environment_slug).exists()


def _named(environments: QuerySet[Environment], reference: str) -> Environment | None:
    if "\0" in reference:
        return None
    try:
        named = Q(pk=UUID(reference)) | Q(slug=reference)
    except ValueError:
        named = Q(slug=reference)
    return environments.filter(named).first()
