"""Named groups of environment variables of an organization, and the projects that they are assigned to."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from audit.services import record, record_change
from organizations.access import Capability, require_in
from organizations.models import Organization
from projects.errors import ForeignProject, GroupNameTaken, InvalidValue
from projects.models import GroupVariable, Project, VariableGroup
from projects.services.variable_rows import delete_row, set_row

_LONGEST_NAME = 128
_LONGEST_DESCRIPTION = 4000


@transaction.atomic
def create_group(
    *,
    organization: Organization,
    actor: User,
    name: str,
    description: str = "",
    projects: Iterable[Project] = (),
) -> VariableGroup:
    """Raises `InvalidValue`, `GroupNameTaken` or `ForeignProject`."""
    require_in(actor, Capability.ADMINISTER, organization)
    group = VariableGroup(organization=organization)
    group.name, group.description = _checked_name(name), _checked_description(description)
    _save(group)
    _assign(group, projects)
    record("variable_group.created", actor=actor, target=group, after=_shown(group))
    return group


@transaction.atomic
def update_group(
    *,
    group: VariableGroup,
    actor: User,
    name: str | None = None,
    description: str | None = None,
    projects: Iterable[Project] | None = None,
) -> VariableGroup:
    """What is None stays; `projects` replaces the list. Executions that ask for an old name are refused from now on."""
    require_in(actor, Capability.ADMINISTER, group.organization)
    row = (
        VariableGroup.objects.select_for_update(no_key=True, of=("self",))
        .select_related("organization__owner")
        .get(pk=group.pk)
    )
    before = _shown(row)
    if name is not None:
        row.name = _checked_name(name)
    if description is not None:
        row.description = _checked_description(description)
    _save(row)
    if projects is not None:
        _assign(row, projects)
    record_change("variable_group.changed", actor=actor, target=row, before=before, after=_shown(row))
    return row


@transaction.atomic
def delete_group(*, group: VariableGroup, actor: User) -> None:
    """With its variables. Executions that asked for it and did not start yet run without them."""
    require_in(actor, Capability.ADMINISTER, group.organization)
    names = list(group.variables.order_by("name").values_list("name", flat=True))
    before = {**_shown(group), "variables": names}
    record("variable_group.deleted", actor=actor, target=group, before=before)
    group.delete()


@transaction.atomic
def set_group_variable(
    *, group: VariableGroup, actor: User, name: str, value: str | None, secret: bool
) -> GroupVariable:
    """Create the variable, or replace it; None keeps its value. Raises `InvalidValue`."""
    require_in(actor, Capability.ADMINISTER, group.organization)
    rows = GroupVariable.objects.filter(group=group)
    return set_row(rows, actor=actor, name=name, value=value, secret=secret, group=group)


@transaction.atomic
def delete_group_variable(*, group: VariableGroup, actor: User, name: str) -> None:
    require_in(actor, Capability.ADMINISTER, group.organization)
    rows = GroupVariable.objects.filter(group=group)
    delete_row(rows, actor=actor, name=name, where=f"The group '{group}'")


def _assign(group: VariableGroup, projects: Iterable[Project]) -> None:
    wanted = list(projects)
    for project in wanted:
        if project.owner_id != group.organization_id:
            raise ForeignProject(project.pk, group.organization)
    group.projects.set(wanted)


def _shown(group: VariableGroup) -> dict[str, Any]:
    assigned = group.projects.order_by("name").values_list("name", flat=True)
    return {"name": group.name, "description": group.description, "projects": list(assigned)}


def _save(group: VariableGroup) -> None:
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError as error:
        if "variable_group_name_unique" not in str(error):
            raise
        raise GroupNameTaken(group.name, group.organization) from error


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise InvalidValue(f"Use 1 to {_LONGEST_NAME} printable characters.", field="name")
    return name


def _checked_description(text: str) -> str:
    if "\0" in text or len(text) > _LONGEST_DESCRIPTION:
        raise InvalidValue(
            f"Use at most {_LONGEST_DESCRIPTION} characters, without NUL.", field="description"
        )
    return text
