"""The example project and its first run, so that a newcomer's first page shows something finished."""

import hashlib
import shutil
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.models import User
from common import clock
from datastores import services as datastores
from datastores.models import DatumAlias
from datastores.opening import object_store
from datastores.selectors import get_or_create_default_store
from datastores.uploads import NewFile, reserve_uploads
from executions.models import Execution
from executions.services import create_execution
from executions.types import ExecutionSpec
from projects import services as projects
from projects.models import Project

NAME = "first-project"
SOURCE = Path(settings.BASE_DIR) / "examples" / NAME
DATASET = SOURCE / "data" / "bearings.csv"
DATASET_ALIAS = "bearings"
IDENTITY = ["-c", "user.name=Example", "-c", "user.email=example@localhost", "-c", "init.defaultBranch=main"]


class Command(BaseCommand):
    help = (
        "Import examples/first-project from a git repository made of it, and run it once. Does each step only once; "
        "a project that was deleted stays deleted."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("repository", type=Path, help="where to make the git repository")

    def handle(self, *args: Any, **options: Any) -> None:
        repository: Path = options["repository"]
        done = repository.with_name(f"{repository.name}.imported")
        if done.exists():
            return
        actor = User.objects.filter(is_superuser=True).order_by("pk").first()
        if actor is None:
            self.stderr.write("There is no administrator yet. Run ensure_installation first.")
            return
        make_repository(repository)
        import_and_run(actor, repository)
        done.touch()
        self.stdout.write(f"imported {actor.username}/{NAME} and started its first execution")


def make_repository(repository: Path) -> None:
    """In a folder beside and renamed at the end: half a repository would never be finished."""
    if repository.exists():
        return
    fresh = repository.with_name(f"{repository.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(SOURCE, fresh)
    for arguments in (
        ["init", "--quiet"],
        ["add", "."],
        ["commit", "--quiet", "-m", "Predict failing bearings"],
    ):
        subprocess.run(["git", *IDENTITY, *arguments], cwd=fresh, check=True)
    fresh.rename(repository)


def import_and_run(actor: User, repository: Path) -> None:
    project = Project.objects.filter(owner=actor.owner, name=NAME).first()
    if project is None:
        project = projects.create_project(
            actor=actor, name=NAME, description="Predicts which bearings will fail. Ships with the platform."
        )
    if not hasattr(project, "repository"):
        projects.set_repository(project=project, actor=actor, url=str(repository), fetch_reference="main")
    projects.fetch_repository(project=project, actor=actor)
    if not DatumAlias.objects.filter(project=project, name=DATASET_ALIAS).exists():
        upload_dataset(project)
    if not Execution.objects.filter(project=project).exists():
        spec = ExecutionSpec(commit="main", step="train", title="First run")
        create_execution(actor=actor, project=project, spec=spec)


def upload_dataset(project: Project) -> None:
    content = DATASET.read_bytes()
    [reserved] = reserve_uploads(
        project=project,
        store=get_or_create_default_store(),
        files=[NewFile(DATASET.name, len(content))],
        base_url="",
    )
    datum = reserved.datum
    object_store(datum.store).write(datum.key, content)
    datastores.mark_stored(
        datum_id=datum.pk,
        size_bytes=len(content),
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        sha1=hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
        file_modified_at=clock.now(),
        metadata={"valohai.alias": DATASET_ALIAS},
    )
