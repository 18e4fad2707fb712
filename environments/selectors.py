"""Reads of environments. Every list starts from what the user may use, know of or manage."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Prefetch, Q, QuerySet

from accounts.models import Owner, User
from environments.access import (
    administers,
    environments_administered_by,
    environments_known_to,
    environments_usable_by,
)
from environments.availability import Place, Standing, why_unavailable
from environments.errors import (
    EnvironmentMissing,
    EnvironmentNotAvailable,
    EnvironmentNotFound,
    NoEnvironment,
    RegistryNotChangeable,
    RegistryNotFound,
)
from environments.models import Environment, RegistryCredentials, TeamPlace
from environments.places import places_of
from environments.registries import matching
from organizations.access import (
    Role,
    administered_by,
    memberships_of,
    organizations_of,
    team_memberships_of,
)
from organizations.models import Organization
from projects.models import Project

LOCAL_SLUG = "local"
PROJECT_DEFAULT = "PROJECT_DEFAULT"


@dataclass(frozen=True)
class Unusable:
    """An environment that the user knows of, and why it is not for them in this project."""

    environment: Environment
    reason: str


@dataclass(frozen=True)
class EnvironmentChoice:
    """Both by name."""

    usable: list[Environment]
    unusable: list[Unusable]

    def named(self, slug: str) -> Environment | None:
        return next((environment for environment in self.usable if environment.slug == slug), None)


def environments_for(user: User | AnonymousUser) -> QuerySet[Environment]:
    """What the user may run on in some project."""
    return _listed(environments_usable_by(user))


def known_environments(user: User | AnonymousUser) -> QuerySet[Environment]:
    """Also those that are switched off or closed to the user, who is told why."""
    return _listed(environments_known_to(user))


def shown_environments(user: User | AnonymousUser) -> QuerySet[Environment]:
    """What one looks at by its address: what the user may use, and what they administer."""
    return _listed(environments_usable_by(user) | environments_administered_by(user))


def administered_environments(user: User | AnonymousUser) -> QuerySet[Environment]:
    return _listed(environments_administered_by(user))


def environments_of(organization: Organization) -> QuerySet[Environment]:
    """For the organization's owners: all of it, with the places of teams."""
    places = TeamPlace.objects.select_related("team").order_by("team__name")
    return _listed(Q(owner_id=organization.pk)).prefetch_related(Prefetch("team_places", places))


def shared_environments() -> QuerySet[Environment]:
    """Of nobody, for everybody on the installation."""
    return _listed(Q(owner__isnull=True, enabled=True))


def usable_by_projects_of(organization: Organization) -> QuerySet[Environment]:
    """What can be the default of new projects of the organization."""
    shared = Q(owner__isnull=True) | Q(owner_id=organization.pk)
    return _listed(shared & Q(enabled=True, team__isnull=True, member__isnull=True))


def _listed(condition: Q) -> QuerySet[Environment]:
    related = ("owner__organization", "team", "member")
    return Environment.objects.filter(condition).select_related(*related).order_by("name", "slug")


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


def environments_for_project(user: User, project: Project) -> EnvironmentChoice:
    """What `user` may run on in `project`, and what else they know of, with the reason why not."""
    known = known_environments(user)
    if user.is_superuser:  # who knows of everything is not shown what belongs to others
        known = known.filter(Q(owner__isnull=True) | Q(owner_id__in=[project.owner_id, user.pk]))
    standing = standing_of(user, project)
    choice = EnvironmentChoice([], [])
    for environment in known:
        reason = why_unavailable(environment, standing)
        if reason is None:
            choice.usable.append(environment)
        else:
            choice.unusable.append(Unusable(environment, reason))
    return choice


def standing_of(user: User, project: Project) -> Standing:
    """The facts that `availability.why_unavailable` decides on, for all environments at once."""
    places: dict[UUID, list[Place]] = {}
    for place in places_of(user, project).order_by("team__name"):
        places.setdefault(place.environment_id, []).append(Place(place.team.name, place.max_running))
    if project.team is not None:
        team_ids = [project.team.pk]
    else:
        team_ids = list(team_memberships_of(user).values_list("team_id", flat=True))
    working = memberships_of(user).exclude(role=Role.VIEWER)
    return Standing(
        user_id=user.pk,
        owner_id=project.owner_id,
        is_personal=project.owner.kind == Owner.Kind.USER,
        organization_ids=frozenset(working.values_list("organization_id", flat=True)),
        project_team=project.team.name if project.team else None,
        team_ids=frozenset(team_ids),
        places=places,
    )


def resolve_environment(user: User, reference: str, project: Project) -> Environment:
    """The environment that a request means: slug, id or `PROJECT_DEFAULT`.

    Raises `EnvironmentNotFound` for what the user does not know of, `EnvironmentNotAvailable` for what they may not use.
    """
    if reference == PROJECT_DEFAULT:
        return default_environment(user, project)
    found = _named(known_environments(user), reference)
    if found is None:
        raise EnvironmentNotFound(reference)
    reason = why_unavailable(found, standing_of(user, project))
    if reason is not None:
        raise EnvironmentNotAvailable(found.slug, reason)
    return found


def default_environment(user: User, project: Project) -> Environment:
    """The project's choice where the user may use it, else the installation's own, else the first by name."""
    choice = environments_for_project(user, project)
    for slug in (project.default_environment_slug, LOCAL_SLUG):
        found = choice.named(slug)
        if found is not None:
            return found
    if not choice.usable:
        raise NoEnvironment
    return choice.usable[0]


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


def registries_for(user: User | AnonymousUser) -> QuerySet[RegistryCredentials]:
    """Of the organizations that the user belongs to. Only their owners are shown what is in them."""
    return (
        RegistryCredentials.objects.filter(organizations_of(user, "owner_id"))
        .select_related("owner__organization")
        .order_by("owner__name", "image_pattern")
    )


def registries_of(organization: Organization) -> QuerySet[RegistryCredentials]:
    """For the organization's owners."""
    return (
        RegistryCredentials.objects.filter(owner_id=organization.pk)
        .order_by("image_pattern")
        .defer("secrets")
    )


def registry_of(organization: Organization, registry_id: UUID) -> RegistryCredentials:
    owned = RegistryCredentials.objects.select_related("owner__organization").filter(owner_id=organization.pk)
    found = owned.filter(pk=registry_id).first()
    if found is None:
        raise RegistryNotFound(registry_id)
    return found


def administered_registries(user: User | AnonymousUser) -> QuerySet[RegistryCredentials]:
    return registries_for(user).filter(administered_by(user, "owner_id"))


def get_registry(user: User | AnonymousUser, registry_id: UUID) -> RegistryCredentials:
    """For its management. Raises `RegistryNotFound`, or `RegistryNotChangeable` for members that are no owners."""
    found = registries_for(user).filter(pk=registry_id).first()
    if found is None:
        raise RegistryNotFound(registry_id)
    if not administers(user, found.owner):
        raise RegistryNotChangeable(found.owner)
    return found


def registry_for(project: Project, image: str) -> RegistryCredentials | None:
    """What the image of a job of `project` is pulled with; only its own organization's count.

    Agents do not ask for it yet: it comes with the handover of secrets to workers.
    """
    credentials = RegistryCredentials.objects.filter(owner_id=project.owner_id)
    return matching(credentials, image)
