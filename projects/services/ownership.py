"""To whom a project belongs: who may give it to whom, and what moves with it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Owner, User
from audit.services import record
from organizations.access import Capability, require
from organizations.access_changes import announce
from organizations.models import Team
from projects import members, selectors
from projects.errors import OwnerRefused, PersonalProjectsForbidden, ProjectNameTaken
from projects.models import Project, VariableGroup
from projects.services.addresses import save_at_address


@dataclass(frozen=True)
class OwnedChoice:
    """A setting of projects that names something of their owner, so that it may not outlive a transfer."""

    field: str
    label: str
    empty: Any
    """What the field holds when nothing is chosen."""
    is_usable: Callable[[Project], bool]
    """Whether the project, as it is in memory, may keep its choice. Called only when there is one."""


owned_choices: list[OwnedChoice] = []
"""Higher apps append theirs when they are loaded."""


@dataclass(frozen=True)
class TransferEffects:
    """What a transfer would change for people and for the project."""

    losing: QuerySet[User]
    gaining: QuerySet[User]
    cleared: list[OwnedChoice]
    groups: list[VariableGroup]


def require_ownership(actor: User, owner: Owner, team: Team | None) -> None:
    """Raise `OwnerRefused` or `PersonalProjectsForbidden` unless `actor` may give a project to these."""
    if team is not None and team.organization_id != owner.pk:
        raise OwnerRefused(f"{owner}:{team.name}")
    if owner.pk == actor.pk and selectors.personal_projects_forbidden(actor):
        raise PersonalProjectsForbidden
    selectors.resolve_owner(actor, f"{owner}:{team.name}" if team else owner.name)


def effects_of_transfer(
    *, project: Project, actor: User, owner: Owner, team: Team | None = None
) -> TransferEffects:
    """What `transfer_project` would change. Raises what it would raise."""
    require(actor, Capability.ADMINISTER, project)
    require_ownership(actor, owner, team)
    if owner.projects.filter(name__iexact=project.name).exclude(pk=project.pk).exists():
        raise ProjectNameTaken(project.name, owner)
    moved = copy.copy(project)
    moved.owner, moved.team = owner, team
    before, after = members.users_with_access(project), members.users_with_access(moved)
    return TransferEffects(
        losing=before.exclude(pk__in=after.values("pk")),
        gaining=after.exclude(pk__in=before.values("pk")),
        cleared=_no_longer_usable(moved),
        groups=_foreign_groups(moved),
    )


@transaction.atomic
def transfer_project(*, project: Project, actor: User, owner: Owner, team: Team | None = None) -> Project:
    """Give the project to `owner`, and there to `team`; the project as it is then.

    Commits, executions, data, variables and collaborators stay. What the new owner has no right to use is no longer chosen:
    see `owned_choices`, and groups of variables of another organization. Nothing happens when it belongs there already.
    Raises `OwnerRefused`, `PersonalProjectsForbidden` or `ProjectNameTaken`.
    """
    project = (
        Project.objects.select_for_update(no_key=True, of=("self",))
        .select_related("owner", "team__organization__owner")
        .get(pk=project.pk)
    )
    require(actor, Capability.ADMINISTER, project)
    require_ownership(actor, owner, team)
    if (project.owner_id, project.team_id) == (owner.pk, team.pk if team else None):
        return project
    had_access = set(members.users_with_access(project).values_list("pk", flat=True))
    before, left = _belongings(project), project.owner_id
    project.owner, project.team = owner, team
    for choice in _no_longer_usable(project):
        setattr(project, choice.field, choice.empty)
    save_at_address(project, fields=["owner", "team", *(choice.field for choice in owned_choices)])
    project.variable_groups.remove(*_foreign_groups(project))
    after = _belongings(project)
    changed = {name for name in after if before[name] != after[name]}
    record(
        "project.transferred",
        actor=actor,
        target=project,
        before={name: before[name] for name in before if name in changed},
        after={name: after[name] for name in after if name in changed},
        also_for=(left,),
    )
    announce(had_access.difference(members.users_with_access(project).values_list("pk", flat=True)))
    return project


def _belongings(project: Project) -> dict[str, Any]:
    """What a transfer may change, as audit rows show it."""
    return {
        "owner": project.owner.name,
        "team": project.team.name if project.team else None,
        **{choice.field: getattr(project, choice.field) for choice in owned_choices},
        "variable_groups": sorted(group.name for group in project.variable_groups.all()),
    }


def _no_longer_usable(project: Project) -> list[OwnedChoice]:
    return [
        choice for choice in owned_choices if getattr(project, choice.field) and not choice.is_usable(project)
    ]


def _foreign_groups(project: Project) -> list[VariableGroup]:
    """Groups of variables that are assigned to the project but belong to another organization than its owner."""
    return list(project.variable_groups.exclude(organization_id=project.owner_id).order_by("name"))
