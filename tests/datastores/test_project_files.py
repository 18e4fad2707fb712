"""Deleting a project removes what it kept in storage."""

from collections.abc import Iterator

import pytest
from celery import current_app
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.models import User
from common import clock
from executions.models import LogChunk
from executions.types import Status
from projects.models import Project
from projects.services import delete_project
from tests.support import factories


@pytest.fixture
def tasks_run_at_once() -> Iterator[None]:
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tasks_run_at_once")
def test_files_and_logs_go_with_the_project(alice: User, project: Project) -> None:
    datum = factories.make_datum(project)
    execution = factories.make_execution(project, status=Status.COMPLETE)
    sealed = default_storage.save(f"logs/{execution.pk}/0.z", ContentFile(b"sealed"))
    LogChunk.objects.create(
        execution=execution, first_line=0, line_count=1, first_time=clock.now(), raw_size_bytes=6, storage_key=sealed
    )  # fmt: skip

    delete_project(project=project, actor=alice)

    assert not default_storage.exists(datum.key)
    assert not default_storage.exists(sealed)
