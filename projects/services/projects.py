"""Creating, changing and deleting projects, and the numbers that they give out."""

import posixpath
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.models import Owner, User
from audit.services import record, record_change, snapshot
from organizations.access import Capability, require
from organizations.models import Organization, Team
from projects.background import delete_stored_files, forget_mirror
from projects.errors import InvalidValue, ProjectBusy
from projects.models import DEFAULT_YAML_PATH, PROJECT_NAME, Project
from projects.services.addresses import save_at_address
from projects.services.ownership import require_ownership

CHANGEABLE = (
    "name", "description", "yaml_path", "default_environment_slug", "upload_store_id", "default_notifications",
)  # fmt: skip

stored_file_listings: list[Callable[[UUID], Iterable[str]]] = []
"""Higher apps that keep files of a project in the platform's storage append a function that names them; the files go
after the project is gone."""

deletion_steps: list[Callable[[Project], None]] = []
"""Higher apps append what has to be done while everything of the project is still there, inside the transaction that deletes it."""

change_checks: list[Callable[[Project, User, Mapping[str, Any]], None]] = []
"""Higher apps append a function that raises a `DomainError` for a changed value that the project, as it is in memory then,
cannot have: an environment or a store that it may not use."""


@transaction.atomic
def create_project(
    *,
    actor: User,
    name: str,
    owner: Owner | None = None,
    team: Team | None = None,
    description: str = "",
    yaml_path: str = DEFAULT_YAML_PATH,
    default_notifications: bool = True,
) -> Project:
    owner = owner or actor.owner
    require_ownership(actor, owner, team)
    project = Project(
        name=_checked_name(name), owner=owner, team=team, description=_checked_text(description, "description"),
        yaml_path=checked_yaml_path(yaml_path), creator=actor, default_notifications=default_notifications,
        **_defaults_of(owner),
    )  # fmt: skip
    save_at_address(project)
    record("project.created", actor=actor, target=project, after=snapshot(project, ("team", *CHANGEABLE)))
    return project


@transaction.atomic
def update_project(*, project: Project, actor: User, **changes: Any) -> Project:
    """Change some of `CHANGEABLE`. To whom it belongs is changed by `transfer_project`."""
    require(actor, Capability.ADMINISTER, project)
    unknown = set(changes).difference(CHANGEABLE)
    if unknown:
        raise TypeError(f"Not changeable: {', '.join(sorted(unknown))}")
    before = snapshot(project, changes)
    checks: dict[str, Callable[[Any], Any]] = {
        "name": _checked_name,
        "yaml_path": checked_yaml_path,
        "description": partial(_checked_text, field="description"),
        "default_environment_slug": partial(_checked_text, field="default_environment"),
    }
    for field, value in changes.items():
        setattr(project, field, checks[field](value) if field in checks else value)
    changed = {field: value for field, value in changes.items() if value != before[field]}
    for check in change_checks:
        check(project, actor, changed)
    save_at_address(project, fields=changes)
    after = snapshot(project, changes)
    renamed = before.get("name") != after.get("name")
    kind = "project.renamed" if renamed else "project.changed"
    record_change(kind, actor=actor, target=project, before=before, after=after)
    return project


def delete_project(*, project: Project, actor: User) -> None:
    """Everything of the project goes, its files in the platform's storage too. Refused while something still runs."""
    require(actor, Capability.ADMINISTER, project)
    unfinished = project.executions.filter(ended_at__isnull=True, deleted_at__isnull=True).count()
    if unfinished:
        raise ProjectBusy(unfinished)
    files = [key for key in project.commits.values_list("archive_key", flat=True) if key]
    files += [name for listing in stored_file_listings for name in listing(project.pk)]
    repository_id = project.repository.pk if hasattr(project, "repository") else None
    with transaction.atomic():
        for step in deletion_steps:
            step(project)
        # Executions hold on to commits, and datums to stores: they have to go before what they point to.
        project.executions.all().delete()
        project.datums.all().delete()
        record("project.deleted", actor=actor, target=project)
        project.delete()
        transaction.on_commit(partial(delete_stored_files.delay, files), robust=True)
        if repository_id is not None:
            transaction.on_commit(partial(forget_mirror.delay, repository_id), robust=True)


def next_counter(*, project_id: UUID, kind: str) -> int:
    """The next number of this kind in the project, from 1. Callers at the same time get different numbers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO projects_projectcounter (project_id, kind, last_value) VALUES (%s, %s, 1) "
            "ON CONFLICT (project_id, kind) "
            "DO UPDATE SET last_value = projects_projectcounter.last_value + 1 RETURNING last_value",
            [project_id, kind],
        )
        return int(cursor.fetchone()[0])


def _defaults_of(owner: Owner) -> dict[str, Any]:
    """What new projects of an organization begin with; each may change it for itself later."""
    organization: Organization | None = getattr(owner, "organization", None)
    if organization is None:
        return {}
    return {
        "default_environment_slug": organization.default_environment_slug,
        "upload_store_id": organization.default_store_id,
    }


def _checked_name(name: str) -> str:
    try:
        PROJECT_NAME(name)
    except ValidationError as error:
        raise InvalidValue(f"'{name}' cannot be a project's name. {error.message}", field="name") from error
    return name


def _checked_text(text: str, field: str) -> str:
    if "\0" in text:
        raise InvalidValue("The text contains a NUL character.", field=field)
    return text


def checked_yaml_path(path: str) -> str:
    """A relative path inside the code; empty means the default."""
    if not path:
        return DEFAULT_YAML_PATH
    normal = posixpath.normpath(path)
    hopeless = path.startswith(("/", "-")) or normal in {".", ".."} or normal.startswith("../")
    if hopeless or len(path) > 255 or not path.isprintable():
        raise InvalidValue(
            f"{path!r} cannot be the path of the configuration. Use a path inside the code, such as {DEFAULT_YAML_PATH}.",
            field="yaml_path",
        )
    return normal
