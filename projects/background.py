"""Celery tasks of projects. Each takes ids, looks again, and may run twice."""

import logging
from collections.abc import Mapping

from celery import shared_task

from accounts.models import User
from audit.origin import request_from
from audit.types import Origin
from common import notices
from projects import archives, fetching
from projects.git.mirror import Mirror
from projects.models import Commit, Repository

logger = logging.getLogger(__name__)

FILES_PER_TASK = 500
PAUSE_SECONDS = 1  # long enough for a waiting fetch to take the mirror's lock


@shared_task
def fetch_repository_in_background(
    repository_id: int, actor_id: int, origin: Mapping[str, str] | None = None
) -> None:
    """Fetch for a page that does not wait; whoever looks at the project hears how it went.

    `origin` are the fields of the `audit.types.Origin` that asked for it.
    """
    repository = _repository(repository_id)
    if repository is None:
        return
    logger.info("fetching", extra={"repository": repository_id, "actor": actor_id})
    with request_from(Origin(**(origin or {}))):
        result = fetching.fetch(repository, actor=User.objects.filter(pk=actor_id).first())
    _announce(repository, result.commits, result.errors)
    if result.older_remain:
        snapshot_commits.delay(repository_id)


@shared_task
def snapshot_commits(repository_id: int) -> None:
    """Store the older commits that a fetch left for later, a slice at a time."""
    repository = _repository(repository_id)
    if repository is None:
        return
    result = fetching.snapshot_older(repository)
    _announce(repository, result.commits, result.errors)
    if result.older_remain:
        snapshot_commits.apply_async((repository_id,), countdown=PAUSE_SECONDS)


@shared_task
def delete_stored_files(names: list[str]) -> None:
    """Remove files from the platform's storage, a few hundred at a time."""
    archives.delete(names[:FILES_PER_TASK])
    if len(names) > FILES_PER_TASK:
        delete_stored_files.delay(names[FILES_PER_TASK:])


@shared_task
def forget_mirror(repository_id: int) -> None:
    """Remove the local copy of a repository that no project has any more."""
    if _repository(repository_id) is None:
        Mirror(repository_id).remove()


def _repository(repository_id: int) -> Repository | None:
    """None when the project was deleted meanwhile."""
    return Repository.objects.select_related("project__owner").filter(pk=repository_id).first()


def _announce(repository: Repository, commits: list[Commit], errors: list[str]) -> None:
    newest = commits[0] if commits else None
    notices.publish(
        f"project:{repository.project_id}",
        "fetched",
        commits=len(commits),
        newest=newest.short_identifier if newest else None,
        ref=newest.ref if newest else None,
        errors=errors,
    )
