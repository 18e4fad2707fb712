"""Fixtures of projects: a repository on local disk, a project that is linked to it, and one of an organization."""

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.files.storage import default_storage

from accounts.models import User
from common import notices
from organizations.models import Organization
from projects import services
from projects.models import Commit, Project
from tests.projects.git_support import YAML, WorkingCopy
from tests.support import factories
from valohai_app.celery import app


@pytest.fixture(autouse=True)
def _own_folders(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.ALLOW_LOCAL_REPOSITORIES = True
    settings.LOCAL_REPOSITORY_ROOTS = [str(tmp_path / "remotes")]


@pytest.fixture
def remotes(tmp_path: Path) -> Path:
    """Where the operator allows local repositories."""
    folder = tmp_path / "remotes"
    folder.mkdir()
    return folder


@pytest.fixture
def code(remotes: Path) -> WorkingCopy:
    """A repository with one commit on main."""
    copy = WorkingCopy(remotes / "code")
    copy.commit({"valohai.yaml": YAML, "train.py": "print('hello')\n"}, "first")
    return copy


@pytest.fixture
def linked(project: Project, alice: User, code: WorkingCopy) -> Project:
    """Alice's project, linked to `code`."""
    services.set_repository(project=project, actor=alice, url=str(code.folder))
    return project


@pytest.fixture
def unpack() -> Callable[[Commit], dict[str, bytes]]:
    """The files of a commit's archive, as the platform's storage has it."""

    def unpacked(commit: Commit) -> dict[str, bytes]:
        with default_storage.open(commit.archive_key) as file:
            data = file.read()
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            members = [member for member in archive if member.isfile()]
            return {member.name: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]

    return unpacked


@pytest.fixture
def letters(db: None) -> Iterator[list[Any]]:
    """What was sent so far; Celery's work is done in this process."""
    mail.outbox.clear()
    app.conf.task_always_eager = True
    yield mail.outbox
    app.conf.task_always_eager = False


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    topics: list[str] = []
    monkeypatch.setattr(notices, "publish", lambda topic, kind, **facts: topics.append(topic))
    return topics


@pytest.fixture
def company(alice: User) -> Organization:
    return factories.make_organization("acme", owners=(alice,))


@pytest.fixture
def ours(company: Organization, alice: User) -> Project:
    """A project of a team of Alice's organization."""
    team = factories.make_team(company, "vision")
    return factories.make_project(company, "churn", team=team, creator=alice)
