"""Reads of projects, commits and variables. Every list starts from what the user may see."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import (
    Case,
    Count,
    F,
    IntegerField,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
    prefetch_related_objects,
)
from django.db.models.lookups import IsNull

from accounts.models import Owner, User
from organizations.access import (
    Capability,
    Role,
    capabilities_among,
    memberships_of,
    team_memberships_of,
    visible_to,
)
from organizations.models import OrganizationMembership, Team
from projects.errors import (
    CommitAmbiguous,
    CommitMissing,
    CommitNotFound,
    OwnerRefused,
    ProjectMoved,
    ProjectNotFound,
)
from projects.models import (
    Commit,
    FormerAddress,
    OrganizationVariable,
    Project,
    ProjectVariable,
    Repository,
    Variable,
    VariableGroup,
)
from projects.types import ResolvedVariable, SourceKind, VariableSource

_PREFIX = re.compile(r"\A~?[0-9a-f]{4,64}\Z")
_WHOLE = re.compile(r"\A([0-9a-f]{40}|~[0-9a-f]{64})\Z")
_LONGEST_REFERENCE = 255


def projects_for(user: User | AnonymousUser) -> QuerySet[Project]:
    return Project.objects.filter(visible_to(user)).select_related("owner", "team__organization__owner")


def get_project(user: User | AnonymousUser, project_id: UUID | str) -> Project:
    identity = as_uuid(project_id)
    project = projects_for(user).filter(pk=identity).first() if identity else None
    if project is None:
        raise ProjectNotFound(project_id)
    return project


def get_project_by_name(user: User | AnonymousUser, owner_name: str, name: str) -> Project:
    """Raises `ProjectMoved` for an address that the project had before."""
    named = projects_for(user).filter(owner__name__iexact=owner_name, name__iexact=name)
    project = named.first() if "\0" not in owner_name + name else None
    if project is None:
        raise _moved(user, owner_name, name) or ProjectNotFound(f"{owner_name}/{name}")
    return project


def _moved(user: User | AnonymousUser, owner_name: str, name: str) -> ProjectMoved | None:
    """For an address that a project, which the user sees, had before."""
    former = FormerAddress.objects.filter(
        visible_to(user, via="project"), owner__name__iexact=owner_name, name__iexact=name
    )
    found = former.select_related("project__owner").first() if "\0" not in owner_name + name else None
    return ProjectMoved(found.project) if found else None


def commits_for(user: User | AnonymousUser, project: Project | None = None) -> QuerySet[Commit]:
    """Visible commits, newest first, with `has_config`; the bulky columns are read only when somebody asks for them."""
    commits = Commit.objects.filter(visible_to(user, via="project")).select_related("project__owner")
    if project is not None:
        commits = commits.filter(project=project)
    return _light(commits).order_by("-committed_at", "-created_at")


def _light(commits: QuerySet[Commit]) -> QuerySet[Commit]:
    return commits.defer("config", "config_errors", "yaml_source").annotate(
        has_config=IsNull(F("config"), False)
    )


def get_commit(user: User | AnonymousUser, identifier: str, project: Project | None = None) -> Commit:
    """One commit by its whole identifier or by its id. Of several projects that have it, the newest row answers."""
    if "\0" in identifier:
        raise CommitMissing(identifier.replace("\0", ""))
    identity = as_uuid(identifier) if "-" in identifier else None
    named = Q(pk=identity) if identity else Q(identifier=identifier)
    commit = _preferred(commits_for(user, project).filter(named)).first()
    if commit is None:
        raise CommitMissing(identifier)
    return commit


def resolve_commit(project: Project, reference: str) -> Commit:
    """The commit that somebody means: identifier, branch or tag (its newest commit), or a unique prefix. One query."""
    if "\0" in reference or not 0 < len(reference) <= _LONGEST_REFERENCE:
        raise CommitNotFound(reference.replace("\0", "")[:_LONGEST_REFERENCE])
    name = reference.removeprefix("refs/heads/").removeprefix("refs/tags/")
    exact = Q(identifier=reference)
    if "-" in reference and (identity := as_uuid(reference)):
        exact |= Q(pk=identity)
    tip = Q(adhoc=False, ref_names__contains=[name])
    seen_on = Q(adhoc=False, ref=name)
    candidates = exact | tip | seen_on
    if _WHOLE.match(reference):
        candidates = exact  # answered by the unique index, however many commits there are
    elif _PREFIX.match(reference):
        candidates |= Q(identifier__startswith=reference)
    ranked = _light(Commit.objects.filter(candidates, project=project)).annotate(
        rank=Case(
            When(exact, then=Value(0)), When(tip, then=Value(1)), When(seen_on, then=Value(2)),
            default=Value(3), output_field=IntegerField(),
        )
    )  # fmt: skip
    found = list(_preferred(ranked.select_related("project"), "rank")[:10])
    if not found:
        raise CommitNotFound(reference)
    identifiers = list(dict.fromkeys(commit.identifier for commit in found))
    if cast("Any", found[0]).rank == 3 and len(identifiers) > 1:
        raise CommitAmbiguous(reference, identifiers)
    return found[0]


def _preferred(commits: QuerySet[Commit], *first: str) -> QuerySet[Commit]:
    """Of rows for one git commit, the one read from the project's own yaml_path comes first, then the newest."""
    foreign_yaml = Case(
        When(Q(adhoc=True) | Q(yaml_path=F("project__yaml_path")), then=Value(0)),
        default=Value(1), output_field=IntegerField(),
    )  # fmt: skip
    return commits.order_by(*first, foreign_yaml, "-committed_at", "-created_at")


def repositories_for(user: User | AnonymousUser) -> QuerySet[Repository]:
    return Repository.objects.filter(visible_to(user, via="project")).select_related("project").order_by("pk")


def variables_of(project: Project) -> dict[str, ProjectVariable]:
    return {variable.name: variable for variable in project.variables.order_by("name")}


@dataclass(frozen=True)
class VariableLayers:
    """What executions of one project inherit or may ask for."""

    organization: Iterable[Variable]
    groups: list[VariableGroup]
    project: Iterable[Variable]


def layers_of_each(projects: Iterable[Project]) -> dict[UUID, VariableLayers]:
    """Of many projects, in as many queries as of one."""
    rows = {project.pk: project for project in projects}
    of_organizations: dict[int, list[Variable]] = {}
    owners = {project.owner_id for project in rows.values()}
    for variable in OrganizationVariable.objects.filter(organization_id__in=owners):
        of_organizations.setdefault(variable.organization_id, []).append(variable)
    groups = VariableGroup.objects.order_by("name").prefetch_related("variables")
    prefetch_related_objects(list(rows.values()), "variables", Prefetch("variable_groups", groups))
    return {
        pk: VariableLayers(
            of_organizations.get(project.owner_id, []),
            [group for group in project.variable_groups.all() if group.organization_id == project.owner_id],
            project.variables.all(),
        )
        for pk, project in rows.items()
    }


def effective_variables(
    project: Project,
    group_names: Iterable[str] = (),
    *,
    inherit: bool = True,
    known: VariableLayers | None = None,
) -> dict[str, ResolvedVariable]:
    """What an execution of the project gets beside its own variables, by name; docs/variables.md has the order.

    Of one name the last wins of: the organization's, those of groups that are assigned to the project (by the name of the
    group), the project's, those of the groups that the execution asks for (in its order). Without `inherit` only the groups
    that it asks for count. Groups that are gone, or are no longer the project's, give nothing. `known`: what was read of the
    project before.
    """
    known = known or VariableLayers(
        organization_variables_of(project), groups_of(project), project.variables.all()
    )
    layers: list[tuple[VariableSource, Iterable[Variable]]] = []
    if inherit:
        organization = VariableSource(SourceKind.ORGANIZATION, project.owner.name)
        layers.append((organization, known.organization))
        layers += [_layer(group) for group in known.groups]
        layers.append((VariableSource(SourceKind.PROJECT), known.project))
    asked_for = named_groups(known.groups, group_names).values()
    layers += [_layer(group) for group in asked_for if group is not None]
    return {
        variable.name: ResolvedVariable(variable.value, variable.secret, source)
        for source, variables in layers
        for variable in variables
    }


def _layer(group: VariableGroup) -> tuple[VariableSource, Iterable[Variable]]:
    return VariableSource(SourceKind.GROUP, group.name), group.variables.all()


def organization_variables_of(project: Project) -> QuerySet[OrganizationVariable]:
    return OrganizationVariable.objects.filter(organization_id=project.owner_id)


def groups_of(project: Project) -> list[VariableGroup]:
    """Assigned to the project, by name, with their variables. Those of an organization that it left do not count."""
    groups = project.variable_groups.filter(organization_id=project.owner_id)
    return list(groups.order_by("name").prefetch_related("variables"))


def named_groups(groups: Iterable[VariableGroup], names: Iterable[str]) -> dict[str, VariableGroup | None]:
    """Each of the names, or ids, with the group that it means; None: none of these."""
    known = list(groups)
    by_name = {group.name.lower(): group for group in known}
    by_id = {group.pk: group for group in known}
    found: dict[str, VariableGroup | None] = {}
    for name in names:
        identity = as_uuid(name)
        found[name] = by_name.get(name.lower()) or (by_id.get(identity) if identity else None)
    return found


def execution_summaries(projects: Iterable[Project]) -> dict[UUID, dict[str, int]]:
    """Per project, how many executions it has by status. One query, whatever the number of projects.

    Executions belong to a higher app; they are reached through the relation that their model declares.
    """
    rows = (
        Project.objects.filter(
            pk__in=[project.pk for project in projects],
            executions__isnull=False,
            executions__deleted_at__isnull=True,
        )
        .values_list("pk", "executions__status")
        .annotate(number=Count("executions"))
    )
    summaries: dict[UUID, dict[str, int]] = {}
    for project_id, status, number in rows:
        summaries.setdefault(project_id, {})[status] = number
    return summaries


def read_only_among(user: User | AnonymousUser, projects: Iterable[Project]) -> frozenset[UUID]:
    """Those of the given visible projects in which `user` may only look. One query."""
    granted = capabilities_among(user, projects)
    return frozenset(identity for identity, capable in granted.items() if Capability.RUN not in capable)


@dataclass(frozen=True)
class OwningOrganization:
    """An organization that somebody may create projects for, and those of its teams that they may give one to."""

    name: str
    teams: list[str]


def owning_organizations(user: User) -> list[OwningOrganization]:
    """By name: those where the user works, with all teams for an owner, else with the teams where the user works."""
    memberships = list(_owning_memberships(user).order_by("organization__owner__name"))
    teams: dict[int, list[str]] = {membership.organization_id: [] for membership in memberships}
    rows = Team.objects.filter(_own_teams(user), organization_id__in=teams).order_by("name")
    for organization_id, name in rows.values_list("organization_id", "name"):
        teams[organization_id].append(name)
    return [
        OwningOrganization(membership.organization.name, teams[membership.organization_id])
        for membership in memberships
    ]


def ownership_options(user: User) -> list[str]:
    """Every text that `resolve_owner` accepts from this user, organizations first."""
    options: list[str] = []
    for organization in owning_organizations(user):
        options += [organization.name, *(f"{organization.name}:{team}" for team in organization.teams)]
    return options if personal_projects_forbidden(user) else [*options, user.username]


def personal_projects_forbidden(user: User) -> bool:
    """Whether an organization of the user says that its members own no projects themselves."""
    return user.memberships.filter(organization__forbid_personal_projects=True).exists()


def resolve_owner(user: User, text: str) -> tuple[Owner, Team | None]:
    """`user`, `organization` or `organization:team` into the rows that own a project.

    Raises `OwnerRefused` for what the user may not create projects for; a superuser of the installation may for all.
    """
    name, _, team_name = text.partition(":")
    if "\0" in text:
        raise OwnerRefused(text.replace("\0", ""))
    if name.lower() == user.username.lower() and not team_name:
        return user.owner, None
    owner = _owners_to_choose(user).filter(name__iexact=name).first()
    if owner is None:
        raise OwnerRefused(text)
    if not team_name:
        return owner, None
    team = Team.objects.filter(_own_teams(user), organization_id=owner.pk, name=team_name).first()
    if team is None:
        raise OwnerRefused(text)
    return owner, team


def _owners_to_choose(user: User) -> QuerySet[Owner]:
    if user.is_superuser:
        return Owner.objects.all()
    return Owner.objects.filter(pk__in=_owning_memberships(user).values("organization_id"))


def _owning_memberships(user: User) -> QuerySet[OrganizationMembership]:
    """In the organizations that the user may create projects for."""
    return memberships_of(user).exclude(role=Role.VIEWER).select_related("organization__owner")


def _own_teams(user: User) -> Q:
    """The filter that keeps the teams that the user may give a project to."""
    if user.is_superuser:
        return Q()
    working = team_memberships_of(user).filter(Q(is_read_only=False) | Q(allow_project_administration=True))
    owned = memberships_of(user).filter(role=Role.OWNER)
    return Q(pk__in=working.values("team_id")) | Q(organization_id__in=owned.values("organization_id"))


def as_uuid(text: UUID | str) -> UUID | None:
    """Any spelling of a UUID; None when it is none."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text)
    except ValueError:
        return None
