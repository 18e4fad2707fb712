"""Mounts from valohai.yaml to the worker: checked at creation, allowed by the environment when the job starts."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import FieldsRefused
from environments.models import Environment
from executions import services
from executions.agent_api.details import job_details
from executions.models import Execution
from executions.types import ExecutionSpec
from projects.models import Project
from tests.support import factories

STEP = """\
- step:
    name: train
    image: python:3.11
    command: ls /lake
    mounts: {mounts}
"""
LAKE = "[/data/sets:/lake]"


@pytest.fixture
def environment(db: None) -> Environment:
    return factories.make_environment("local", name="This host")


def create(project: Project, actor: User, mounts: str = LAKE) -> Execution:
    commit = factories.make_commit(project, STEP.format(mounts=mounts))
    spec = ExecutionSpec(commit=commit.identifier, step="train")
    return services.create_execution(project=project, actor=actor, spec=spec)


def told(execution: Execution) -> Any:
    execution.environment.refresh_from_db()
    return job_details(execution, "http://testserver")["mounts"]


def allow(environment: Environment, *rules: tuple[str, bool], requires: bool = False) -> None:
    environment.mount_rules = [{"pattern": pattern, "writable": writable} for pattern, writable in rules]
    environment.requires_mounts = requires
    environment.save()


def test_the_step_s_mounts_are_kept_and_shown(
    project: Project, alice: User, alice_api: APIClient, environment: Environment
) -> None:
    mounts = "[/data/sets:/lake, {source: 'files:/export', destination: /nfs, type: nfs, readonly: true, options: {vers: 4}}]"
    execution = create(project, alice, mounts)
    assert execution.mounts == [
        {"kind": "host", "host": "", "path": "/data/sets", "destination": "/lake", "readonly": False, "options": {}},
        {"kind": "nfs", "host": "files", "path": "/export", "destination": "/nfs", "readonly": True, "options": {"vers": "4"}},
    ]  # fmt: skip
    assert alice_api.get(f"/api/v0/executions/{execution.pk}/").json()["mounts"] == execution.mounts


def test_an_environment_allows_nothing_of_itself(
    project: Project, alice: User, environment: Environment
) -> None:
    mounts = told(create(project, alice))
    assert (mounts["allowed"], mounts["required"]) == ([], False)
    assert "the environment 'This host' allows no mounts" in mounts["refused"][0]


def test_what_is_allowed_when_the_job_starts_counts(
    project: Project, alice: User, environment: Environment
) -> None:
    execution = create(project, alice)
    allow(environment, ("/data/**", False))
    mounts = told(execution)
    assert [(mount["path"], mount["readonly"]) for mount in mounts["allowed"]] == [("/data/sets", True)]
    assert "can only be read" in mounts["notes"][0]
    allow(environment, ("/data/**", True))
    assert told(execution)["allowed"][0]["readonly"] is False
    assert told(execution)["notes"] == []


def test_where_mounts_are_required_a_refused_one_creates_nothing(
    project: Project, alice: User, environment: Environment
) -> None:
    allow(environment, ("/other", False), requires=True)
    with pytest.raises(FieldsRefused, match="allows only /other"):
        create(project, alice)
    assert not Execution.objects.exists()
    allow(environment, ("/data/**", False), requires=True)
    execution = create(project, alice)
    allow(environment, requires=True)
    assert told(execution)["required"] is True


@pytest.mark.parametrize(
    ("mounts", "said"),
    [
        ("[/data/../etc:/lake]", "without '..'"),
        ("[/data:/valohai/config]", "Nothing can be mounted at"),
        ("[/a:/lake, /b:/lake/deep]", "at the place of"),
        ("[{source: '//files/share', destination: /s, type: smb, options: {password: hunter2}}]", "secret variable"),
    ],
)  # fmt: skip
def test_what_is_no_mount_creates_nothing(
    project: Project, alice: User, environment: Environment, mounts: str, said: str
) -> None:
    with pytest.raises(FieldsRefused) as refused:
        create(project, alice, mounts)
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert not Execution.objects.exists()
