from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from executions.models import Execution
from projects.models import Commit, Project, ProjectVariable
from tests.support import factories
from tests.web.addresses import page

YAML = """\
- step:
    name: train
    image: python:3.12
    description: Trains
    command: [pip install x, "python train.py {parameters}"]
    time-limit: 1h
    inputs:
      - {name: data, default: "https://example.com/a.csv"}
      - {name: extra, optional: true}
    parameters:
      - {name: epochs, type: integer, default: 3, min: 1, max: 9}
      - {name: mode, type: string, choices: [fast, slow], default: fast}
      - {name: verbose, type: flag}
      - {name: layers, type: string, multiple: repeat, default: [a, b], optional: true}
    environment-variables:
      - {name: TOKEN, optional: false}
- step:
    name: evaluate
    image: python:3.12
    command: python evaluate.py
"""


@pytest.fixture
def commit(project: Project) -> Commit:
    return factories.make_commit(project, YAML)


def facts(browser: Client, project: Project, query: str = "") -> dict[str, Any]:
    answer = browser.get(page("execution_create_facts", project) + query)
    assert answer.status_code == 200
    return answer.json()


def test_form_starts_from_the_step_of_the_newest_usable_commit(
    commit: Commit, project: Project, alice_browser: Client
) -> None:
    broken = factories.make_commit(
        project, YAML, config=None, config_errors=[{"line": 3, "message": "no command"}]
    )
    found = facts(alice_browser, project)
    assert found["commit"] == commit.identifier
    assert {item["identifier"] for item in found["commits"]} == {commit.identifier, broken.identifier}
    step = found["step"]
    assert (step["name"], step["image"], step["time_limit"]) == ("train", "python:3.12", 3600)
    assert step["command"] == "pip install x\npython train.py {parameters}"
    assert step["inputs"][0]["default"] == ["https://example.com/a.csv"]
    epochs, mode, verbose, layers = step["parameters"]
    assert (epochs["type"], epochs["default"], epochs["min"], epochs["max"]) == ("integer", 3, 1, 9)
    assert mode["choices"] == ["fast", "slow"]
    assert verbose["choices"] is None
    assert (layers["multiple"], layers["default"]) == (True, ["a", "b"])
    assert step["variables"][0]["optional"] is False


def test_another_step_and_commit_can_be_asked_for(
    commit: Commit, project: Project, alice_browser: Client
) -> None:
    assert facts(alice_browser, project, "?step=evaluate")["step"]["name"] == "evaluate"
    assert facts(alice_browser, project, f"?commit={commit.identifier[:8]}")["commit"] == commit.identifier
    gone = facts(alice_browser, project, "?step=gone")
    assert "gone" in gone["problem"]
    assert gone["step"]["name"] == "train"


def test_broken_commit_says_what_is_wrong_with_its_line(project: Project, alice_browser: Client) -> None:
    broken = factories.make_commit(project, config=None, config_errors=[{"line": 3, "message": "no command"}])
    found = facts(alice_browser, project, f"?commit={broken.identifier}")
    assert found["step"] is None
    assert found["problems"] == [{"line": 3, "message": "no command"}]


def test_unknown_commit_is_refused_in_words(commit: Commit, project: Project, alice_browser: Client) -> None:
    answer = alice_browser.get(page("execution_create", project) + "?commit=nonsense")
    assert answer.status_code == 400
    assert "No commit" in answer.content.decode()


def test_secrets_of_the_project_stay_on_the_server(
    commit: Commit, project: Project, alice_browser: Client
) -> None:
    ProjectVariable.objects.create(project=project, name="PASSWORD", value="hunter2", secret=True)
    ProjectVariable.objects.create(project=project, name="LEVEL", value="info")
    page_text = alice_browser.get(page("execution_create", project)).content.decode()
    assert "hunter2" not in page_text
    assert facts(alice_browser, project)["inherited"] == [
        {"name": "LEVEL", "secret": False, "value": "info", "source": "project"},
        {"name": "PASSWORD", "secret": True, "value": None, "source": "project"},
    ]


def test_copy_brings_everything_of_the_original(
    commit: Commit, project: Project, alice_browser: Client
) -> None:
    original = factories.make_execution(
        commit=commit, parameters={"epochs": 7}, image="custom:1", title="first try", tags=["a"],
        environment_variables={"TOKEN": "x"}, inputs=[{"name": "data", "urls": ["https://example.com/b.csv"]}],
    )  # fmt: skip
    given = facts(alice_browser, project, f"?from={original.pk}")["given"]
    assert (given["counter"], given["copied_from"]) == (original.counter, str(original.pk))
    assert given["parameters"] == {"epochs": 7}
    assert given["inputs"] == {"data": ["https://example.com/b.csv"]}
    assert (given["image"], given["title"], given["tags"]) == ("custom:1", "first try", ["a"])


def test_copy_of_what_one_may_not_see_is_not_found(
    commit: Commit, project: Project, alice: User, charlie: User, alice_browser: Client
) -> None:
    foreign = factories.make_execution(factories.make_project(charlie))
    own_but_elsewhere = factories.make_execution(factories.make_project(alice, "elsewhere"))
    for execution in (foreign, own_but_elsewhere):
        address = page("execution_create", project) + f"?from={execution.pk}"
        assert alice_browser.get(address).status_code == 404


def test_project_without_code_teaches_how_to_bring_it(project: Project, alice_browser: Client) -> None:
    text = alice_browser.get(page("execution_create", project)).content.decode()
    assert "There is no code to run yet" in text
    assert not Execution.objects.exists()
