"""Creation: what was asked, completed by step, project and installation, or refused with everything that is wrong."""

from typing import Any

import pytest

from common.errors import DomainError, FieldsRefused
from executions import services
from executions.models import Execution
from executions.types import ExecutionSpec, Status
from organizations.access import Forbidden
from projects.models import ProjectVariable
from tests.support import factories

YAML = """\
- step:
    name: train
    image: python:3.11
    command:
      - python train.py {parameters}
      - ls
    environment: gpu
    time-limit: 1h 30m
    no-output-timeout: 10m
    autorestart: true
    stop-condition: accuracy > 0.9
    environment-variable-groups: [prod]
    parameters:
      - {name: epochs, type: integer, default: 3}
      - {name: part, type: string, default: small}
    inputs:
      - name: dataset
        default: https://example.com/{parameter:part}.csv
        keep-directories: suffix
      - name: model
        optional: true
        filename: model.bin
        download: on-demand
    environment-variables:
      - {name: MODE, default: plain}
      - {name: LEVEL}
- step:
    name: strict
    image: python:3.11
    command: run
    inputs:
      - name: needed
    environment-variables:
      - {name: KEY, optional: false}
"""


@pytest.fixture
def project(alice):
    """In an organization: groups of variables belong to one."""
    house = factories.make_organization("house", owners=(alice,))
    project = factories.make_project(house)
    factories.make_group(house, "prod", {}, projects=(project,))
    return project


@pytest.fixture
def commit(project):
    return factories.make_commit(project, YAML)


@pytest.fixture(autouse=True)
def environments(db):
    return {
        slug: factories.make_environment(slug, **fields)
        for slug, fields in {
            "local": {},
            "gpu": {"per_hour_price_usd": "2.5", "name": "Big machine"},
            "plain": {"supports_priority": False},
        }.items()
    }


@pytest.fixture
def create(alice, project, commit):
    def create(**asked: Any) -> Execution:
        spec = ExecutionSpec(**{"commit": commit.identifier, "step": "train", **asked})
        execution = services.create_execution(actor=alice, project=project, spec=spec)
        return Execution.objects.get(pk=execution.pk)

    return create


def faults(create, **asked: Any) -> dict[str, list[str]]:
    with pytest.raises(FieldsRefused) as caught:
        create(**asked)
    assert not Execution.objects.exists()
    return {field: [fault.message for fault in found] for field, found in caught.value.faults.items()}


def test_everything_not_said_comes_from_the_step(create, alice):
    execution = create()
    assert execution.status == Status.CREATED
    assert execution.counter == 1
    assert execution.creator == alice
    assert execution.environment.slug == "gpu"
    assert execution.image == "python:3.11"
    assert execution.command == "python train.py {parameters}\nls"
    assert execution.interpolated_command == "python train.py --epochs=3 --part=small\nls"
    assert execution.parameters == {"epochs": 3, "part": "small"}
    assert execution.environment_variables == {"MODE": "plain"}
    assert execution.environment_variable_groups == ["prod"]
    assert (execution.time_limit_seconds, execution.no_output_timeout_seconds) == (5400, 600)
    assert execution.runtime_config == {
        "autorestart": True,
        "no_output_timeout": 600,
        "stop_expression": "accuracy > 0.9",
    }
    assert execution.inputs == [
        {
            "name": "dataset", "urls": ["https://example.com/small.csv"], "keep_directories": "suffix",
            "filename": None, "download": "always", "optional": False,
        },
        {
            "name": "model", "urls": [], "keep_directories": "none", "filename": "model.bin",
            "download": "on-demand", "optional": True,
        },
    ]  # fmt: skip
    assert execution.per_hour_price_usd == execution.environment.per_hour_price_usd


def test_everything_said_wins(create):
    execution = create(
        environment="local",
        image="img:1",
        command="echo {parameter-value:epochs}",
        title="  a title ",
        inputs={"dataset": ["https://x/{parameter:part}/1"], "model": "https://y/m"},
        parameters={"epochs": "9", "part": "big"},
        environment_variables={"MODE": "fast", "N": 1, "YES": True, "NOTHING": None},
        environment_variable_groups=[],
        inherit_environment_variables=False,
        tags=["b", "a", "b", " "],
        time_limit_seconds=60.4,
        no_output_timeout_seconds=0,
        priority=2,
        runtime_config={"autorestart": False, "extra": {"a": 1}},
        runtime_config_preset="big",
        stop_expression="",
    )
    assert execution.environment.slug == "local"
    assert (execution.image, execution.title, execution.tags) == ("img:1", "a title", ["b", "a"])
    assert execution.interpolated_command == "echo 9"
    assert [i["urls"] for i in execution.inputs] == [["https://x/big/1"], ["https://y/m"]]
    assert execution.environment_variables == {"MODE": "fast", "N": "1", "YES": "true"}
    assert execution.environment_variable_groups == []
    assert not execution.inherit_environment_variables
    assert (execution.time_limit_seconds, execution.no_output_timeout_seconds) == (60, None)
    assert execution.priority == 2
    assert execution.runtime_config == {
        "autorestart": False, "extra": {"a": 1}, "no_output_timeout": 0, "preset": "big",
    }  # fmt: skip


def test_time_limit_of_zero_lifts_the_limit_of_the_step(create):
    assert create(time_limit_seconds=0).time_limit_seconds is None


def test_no_output_timeout_falls_back_to_the_installation(create, settings):
    execution = create(step="strict", inputs={"needed": ["https://x/y"]}, environment_variables={"KEY": "1"})
    assert execution.no_output_timeout_seconds == settings.DEFAULT_NO_OUTPUT_TIMEOUT_SECONDS
    assert execution.time_limit_seconds is None
    assert execution.environment.slug == "local"


def test_project_default_environment(create, project):
    project.default_environment_slug = "plain"
    project.save()
    assert create(environment="PROJECT_DEFAULT").environment.slug == "plain"


@pytest.mark.parametrize(
    ("named", "slug"), [("gpu", "gpu"), ("Big", "gpu"), ("machine", "gpu"), ("loc", "local")]
)
def test_step_names_its_environment_by_slug_or_a_unique_part(alice, project, named, slug):
    commit = factories.make_commit(project, YAML.replace("environment: gpu", f"environment: {named}"))
    spec = ExecutionSpec(commit=commit.identifier, step="train")
    assert services.create_execution(actor=alice, project=project, spec=spec).environment.slug == slug


def test_environment_that_does_not_exist(create):
    with pytest.raises(DomainError) as caught:
        create(environment="foo")
    assert caught.value.field == "environment"
    assert caught.value.code == "does_not_exist"
    assert caught.value.message == "Object with slug or primary key foo does not exist."


@pytest.mark.parametrize(("asked", "field"), [({"commit": "nope"}, "commit"), ({"step": "nope"}, "step")])
def test_commit_and_step_that_do_not_exist(create, asked, field):
    with pytest.raises(DomainError) as caught:
        create(**asked)
    assert caught.value.field == field


def test_all_faults_at_once(create):
    found = faults(
        create,
        environment="plain",
        priority=1,
        image="two words",
        title="t" * 256,
        tags=["t" * 129],
        parameters={"epochs": "x"},
        inputs={"unknown": []},
        environment_variables={"A=B": "1", "C": "\x00"},
        time_limit_seconds=-1,
        runtime_config={"remote_debug": {"debug_port": 80, "debug_key": "x"}},
    )
    assert set(found) == {
        "priority", "image", "title", "tags", "parameters", "inputs", "environment_variables", "time_limit",
        "runtime_config",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        (
            {"step": "strict", "environment_variables": {"KEY": "1"}},
            "inputs",
            "needs a file for input 'needed'",
        ),
        (
            {"step": "strict", "environment_variables": {"KEY": "1"}, "inputs": {"needed": []}},
            "inputs",
            "needs a file",
        ),
        ({"step": "strict", "inputs": {"needed": ["https://x"]}}, "environment_variables", "'KEY'"),
        ({"inputs": {"dataset": ["https://{parameter:nothing}"]}}, "inputs", "parameter 'nothing'"),
        ({"inputs": {"dataset": [5]}}, "inputs", "must be text"),
        ({"inputs": {"dataset": ["https://x/\x00"]}}, "inputs", "NUL"),
        ({"inputs": {"model": ["https://x/1", "https://x/2"]}}, "inputs", "takes one file, not 2"),
        ({"command": "echo \x00"}, "command", "NUL"),
        ({"priority": -1}, "priority", "Use a priority"),
        ({"priority": 10**9}, "priority", "Use a priority"),
        ({"time_limit_seconds": 1e300}, "time_limit", "seconds"),
        ({"time_limit_seconds": float("nan")}, "time_limit", "seconds"),
        ({"runtime_config": {"a": float("inf")}}, "runtime_config", "finite"),
        ({"environment_variables": {"A": {"b": 1}}}, "environment_variables", "must be text"),
        ({"tags": [f"t{n}" for n in range(101)]}, "tags", "at most 100"),
    ],
)
def test_refusals_name_the_thing(create, asked, field, words):
    found = faults(create, **asked)
    assert list(found) == [field]
    assert any(words in message for message in found[field])


def test_required_variable_may_come_from_the_project_when_inherited(create, project):
    ProjectVariable.objects.create(project=project, name="KEY", value="secret", secret=True)
    asked = {"step": "strict", "inputs": {"needed": ["https://x"]}}
    assert "KEY" not in create(**asked).environment_variables
    with pytest.raises(FieldsRefused):
        create(**asked, inherit_environment_variables=False)


def test_numbers_count_per_project_and_the_project_knows_its_last_run(create, project, alice):
    assert [create().counter for _ in range(3)] == [1, 2, 3]
    project.refresh_from_db()
    assert project.last_execution_at is not None
    other = factories.make_project(alice)
    commit = factories.make_commit(other, YAML)
    spec = ExecutionSpec(commit=commit.identifier, step="train", environment_variable_groups=[])
    assert services.create_execution(actor=alice, project=other, spec=spec).counter == 1


def test_a_copy_repeats_the_execution(create, alice, project):
    first = create(parameters={"epochs": 5}, tags=["x"], title="t", environment="local", time_limit_seconds=0)
    again = services.create_execution(actor=alice, project=project, spec=services.spec_from(first))
    for field in (
        "commit_id", "environment_id", "step", "title", "tags", "image", "interpolated_command", "inputs", "parameters",
        "environment_variables", "environment_variable_groups", "inherit_environment_variables", "runtime_config",
        "priority", "time_limit_seconds", "no_output_timeout_seconds",
    ):  # fmt: skip
        assert getattr(again, field) == getattr(first, field), field
    assert again.counter == first.counter + 1


def test_who_may_only_look_may_not_run(project, commit, charlie):
    factories.make_collaborator(project, charlie, is_read_only=True)
    with pytest.raises(Forbidden):
        services.create_execution(
            actor=charlie, project=project, spec=ExecutionSpec(commit=commit.identifier, step="train")
        )
    assert not Execution.objects.exists()


def test_the_scheduler_hears_of_it_only_after_the_commit(
    create, django_capture_on_commit_callbacks, monkeypatch
):
    heard: list[str] = []
    monkeypatch.setattr("common.notices.publish", lambda topic, kind, **facts: heard.append(topic))
    with django_capture_on_commit_callbacks() as callbacks:
        execution = create()
    assert heard == []
    for callback in callbacks:
        callback()
    assert heard[0] == "scheduler"
    assert f"project:{execution.project_id}" in heard
