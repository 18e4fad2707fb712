"""What the API shows of projects, commits and repositories."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import prefetch_related_objects
from rest_framework.request import Request

from accounts.models import User
from common.rest.times import timestamp
from projects import selectors
from projects.api.links import Links
from projects.models import DEFAULT_FETCH_REFERENCE, Commit, Project, Repository

STATUSES = (
    "created",
    "queued",
    "started",
    "stopping",
    "stopping_hard",
    "stopped",
    "error",
    "crashed",
    "complete",
)
"""Every key of an execution summary; `stopping_hard` is only ever a key, never a status."""


@dataclass(frozen=True)
class ProjectFacts:
    """What rows of projects show beyond their own columns, read for all of them at once."""

    summaries: dict[UUID, dict[str, int]]
    read_only: frozenset[UUID]

    @classmethod
    def of(cls, projects: list[Project], user: User | AnonymousUser) -> "ProjectFacts":
        prefetch_related_objects(projects, "variables", "repository")
        return cls(selectors.execution_summaries(projects), selectors.read_only_among(user, projects))


def represent_projects(
    projects: Iterable[Project], request: Request, exclude: Collection[str] = ()
) -> list[dict[str, Any]]:
    rows = list(projects)
    facts, links = ProjectFacts.of(rows, request.user), Links(request)
    shown = (_project(project, facts, links) for project in rows)
    return [{name: value for name, value in row.items() if name not in exclude} for row in shown]


def _project(project: Project, facts: ProjectFacts, links: Links) -> dict[str, Any]:
    summary = facts.summaries.get(project.pk, {})
    page = links.project_page(project)
    return {
        "id": str(project.pk),
        "name": project.name,
        "description": project.description,
        "owner": {"id": project.owner_id, "username": project.owner.name},
        "ctime": timestamp(project.created_at),
        "mtime": timestamp(project.updated_at),
        "url": links.project(project.pk),
        "urls": {"display": page, "display_repository": f"{page}settings/repository/"},
        "execution_count": sum(summary.values()),
        "running_execution_count": summary.get("started", 0) + summary.get("stopping", 0),
        "queued_execution_count": summary.get("created", 0) + summary.get("queued", 0),
        "enabled_endpoint_count": 0,
        "last_execution_ctime": timestamp(project.last_execution_at),
        "read_only": project.pk in facts.read_only,
        "yaml_path": project.yaml_path,
        "execution_summary": {
            "count": sum(summary.values()), **{f"{status}_count": summary.get(status, 0) for status in STATUSES}
        },
        "environment_variables": _variables(project),
        "repository": _repository_brief(project),
        "tags": [],
        "upload_store_id": str(project.upload_store_id) if project.upload_store_id else None,
        "default_store": str(project.upload_store_id) if project.upload_store_id else None,
        "default_environment": project.default_environment_slug or None,
        "default_notifications": project.default_notifications,
        "template": None,
    }  # fmt: skip


def _variables(project: Project) -> dict[str, dict[str, Any]]:
    """Secret values are never shown."""
    variables = sorted(project.variables.all(), key=lambda variable: variable.name)
    return {
        variable.name: {"value": None if variable.secret else variable.value, "secret": variable.secret}
        for variable in variables
    }


def _repository_brief(project: Project) -> dict[str, Any]:
    repository: Repository | None = getattr(project, "repository", None)
    if repository is None:
        return {"url": "", "ref": DEFAULT_FETCH_REFERENCE}
    return {"id": repository.pk, "url": repository.url, "ref": repository.fetch_reference}


def represent_repository(repository: Repository, links: Links) -> dict[str, Any]:
    project = repository.project
    return {
        "id": repository.pk,
        "url": repository.url,
        "ref": repository.fetch_reference,
        "project": {"id": str(project.pk), "name": project.name, "url": links.project(project.pk)},
        "public_key": repository.public_key,
        "lfs_enabled": repository.lfs_enabled,
        "last_fetch_time": timestamp(repository.last_fetched_at),
        "last_fetch_errors": repository.last_fetch_errors,
    }


def represent_commit(commit: Commit, links: Links) -> dict[str, Any]:
    """A row: the same keys for every commit, and never the bulky configuration. `commit` is from `commits_for`."""
    page = links.project_page(commit.project)
    return {
        "repository": commit.repository_id,
        "ref": commit.ref,
        "ref_names": commit.ref_names,
        "identifier": commit.identifier,
        "commit_time": timestamp(commit.committed_at),
        "ctime": timestamp(commit.created_at),
        "description": commit.description,
        "adhoc": commit.adhoc,
        "has_config": commit.has_config,  # type: ignore[attr-defined]  # annotated by the selector
        "yaml_path": commit.yaml_path,
        "project_id": str(commit.project_id),
        "url": links.commit(commit),
        "urls": {"display": f"{page}commits/{commit.identifier}/"},
    }


def represent_commit_detail(commit: Commit, links: Links, *, with_config: bool) -> dict[str, Any]:
    shown = represent_commit(commit, links) | {
        "config_errors": commit.config_errors,
        "missing_parts": commit.missing_parts,
    }
    return shown | {"config": commit.config} if with_config else shown
