"""`/api/v0/projects/…`: shapes, what each of the cast may do, and what a refusal leaves unchanged."""

from typing import Any

import pytest
from django.core.files.storage import default_storage
from rest_framework.test import APIClient

from accounts.models import User
from executions.types import Status
from projects.background import delete_stored_files
from projects.models import Commit, Project, ProjectVariable
from tests.conftest import api_of
from tests.support.factories import (
    make_collaborator,
    make_commit,
    make_datum,
    make_execution,
    make_organization,
    make_project,
    make_team,
    make_user,
)

LIST = "/api/v0/projects/"


def at(project: Project, tail: str = "") -> str:
    return f"{LIST}{project.pk}/{tail}"


def test_the_object_has_every_key_of_the_contract(
    alice_api: APIClient, project: Project, alice: User
) -> None:
    ProjectVariable.objects.create(project=project, name="PLAIN", value="shown")
    ProjectVariable.objects.create(project=project, name="HIDDEN", value="s3cret", secret=True)
    make_execution(project, status=Status.COMPLETE)
    make_execution(project, status=Status.QUEUED)
    make_execution(project, status=Status.STARTED)
    answer = alice_api.get(at(project))
    shown = answer.json()
    times = {name: shown.pop(name) for name in ("ctime", "mtime", "last_execution_ctime")}
    assert times["ctime"].endswith("Z")
    assert len(times["ctime"]) == 27
    assert shown == {
        "id": str(project.pk),
        "name": project.name,
        "description": "",
        "owner": {"id": alice.pk, "username": "alice"},
        "url": f"http://testserver/api/v0/projects/{project.pk}/",
        "urls": {
            "display": f"http://testserver/p/alice/{project.name}/",
            "display_repository": f"http://testserver/p/alice/{project.name}/settings/repository/",
        },
        "execution_count": 3,
        "running_execution_count": 1,
        "queued_execution_count": 1,
        "enabled_endpoint_count": 0,
        "read_only": False,
        "yaml_path": "valohai.yaml",
        "execution_summary": {
            "count": 3, "created_count": 0, "queued_count": 1, "started_count": 1, "stopping_count": 0,
            "stopping_hard_count": 0, "stopped_count": 0, "error_count": 0, "crashed_count": 0, "complete_count": 1,
        },
        "environment_variables": {
            "HIDDEN": {"value": None, "secret": True},
            "PLAIN": {"value": "shown", "secret": False},
        },
        "repository": {"url": "", "ref": "master, main"},
        "tags": [],
        "upload_store_id": None,
        "default_store": None,
        "default_environment": None,
        "default_notifications": True,
        "template": None,
    }  # fmt: skip
    assert "s3cret" not in answer.content.decode()


def test_addresses_use_the_host_that_the_client_used(alice_api: APIClient, project: Project) -> None:
    shown = alice_api.get(at(project), headers={"host": "mlops.example.com:8443"}).json()
    assert shown["url"].startswith("http://mlops.example.com:8443/")
    assert shown["urls"]["display"].startswith("http://mlops.example.com:8443/")


def test_deleted_executions_are_not_counted(alice_api: APIClient, project: Project) -> None:
    execution = make_execution(project, status=Status.COMPLETE)
    execution.deleted_at = execution.ended_at
    execution.save()
    assert alice_api.get(at(project)).json()["execution_summary"]["count"] == 0


def test_without_the_last_slash(alice_api: APIClient, project: Project) -> None:
    answer = alice_api.get(at(project).rstrip("/"), follow=True)
    assert answer.json()["id"] == str(project.pk)


def test_the_list_shows_what_the_user_may_see(
    alice_api: APIClient,
    bob_api: APIClient,
    charlie_api: APIClient,
    superuser_api: APIClient,
    project: Project,
) -> None:
    for client, names in ((alice_api, [project.name]), (bob_api, [project.name]), (charlie_api, []),
                          (superuser_api, [project.name])):  # fmt: skip
        answer = client.get(LIST, {"limit": 9000}).json()
        assert [row["name"] for row in answer["results"]] == names
        assert (answer["count"], answer["next"], answer["previous"]) == (len(names), None, None)


def test_nobody_without_a_login(anonymous_api: APIClient, project: Project) -> None:
    for address in (LIST, at(project), at(project, "commits/"), f"{LIST}ownership_options/"):
        answer = anonymous_api.get(address)
        assert answer.status_code == 401, address
        assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("get", "", None), ("put", "", {"name": "mine"}), ("patch", "", {"name": "mine"}), ("delete", "", None),
        ("get", "commits/", None), ("post", "fetch/", None), ("post", "environment_variable/", {"name": "A", "value": "1"}),
        ("delete", "environment_variable/", {"name": "A"}),
    ],
)  # fmt: skip
def test_to_a_stranger_it_does_not_exist(
    charlie_api: APIClient, project: Project, method: str, tail: str, body: Any
) -> None:
    answer = getattr(charlie_api, method)(at(project, tail), body)
    assert answer.status_code == 404
    assert answer.json()["message"] == f"Project {project.pk} does not exist."
    assert Project.objects.get(pk=project.pk).name == project.name


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("patch", "", {"name": "mine"}), ("delete", "", None), ("delete", "environment_variable/", {"name": "A"}),
        ("post", "environment_variable/", {"name": "A", "value": "1"}),
    ],
)  # fmt: skip
def test_a_collaborator_works_but_does_not_administer(
    bob_api: APIClient, project: Project, method: str, tail: str, body: Any
) -> None:
    answer = getattr(bob_api, method)(at(project, tail), body)
    assert answer.status_code == 403
    assert Project.objects.get(pk=project.pk).name == project.name
    assert not project.variables.exists()


def test_a_reader_may_neither_fetch_nor_upload_and_is_told_so(project: Project) -> None:
    reader = make_user("reader")
    make_collaborator(project, reader, is_read_only=True)
    client = api_of(reader)
    assert client.get(at(project)).json()["read_only"] is True
    assert client.post(at(project, "fetch/")).status_code == 403


@pytest.mark.parametrize(
    "project_id", ["not-a-uuid", "01a20b92-5a20-3cb2-2760-793c87cde01a", "%00", "0" * 32]
)
def test_an_unknown_project(alice_api: APIClient, project_id: str) -> None:
    answer = alice_api.get(f"{LIST}{project_id}/")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_any_spelling_of_the_id(alice_api: APIClient, project: Project) -> None:
    assert alice_api.get(f"{LIST}{str(project.pk).upper()}/").status_code == 200
    assert alice_api.get(f"{LIST}{project.pk.hex}/").status_code == 200


@pytest.mark.parametrize("format_name", ["json", "multipart"])
def test_create(alice_api: APIClient, alice: User, format_name: Any) -> None:
    body = {"name": "My_first-1", "description": "what it is"}
    answer = alice_api.post(LIST, body, format=format_name)
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["name"], shown["description"], shown["owner"]["username"]) == (
        "My_first-1",
        "what it is",
        "alice",
    )
    assert Project.objects.get(pk=shown["id"]).creator == alice


def test_create_as_the_official_client_sends_it(alice_api: APIClient) -> None:
    answer = alice_api.post(LIST, "name=form&owner=alice", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 201


@pytest.mark.parametrize("name", ["", "a b", "ö", "a/b", "x" * 65, "a\n"])
def test_names_that_are_refused(alice_api: APIClient, name: str) -> None:
    answer = alice_api.post(LIST, {"name": name})
    if name == "a\n":
        assert answer.status_code == 201, "surrounding white space is not part of the name"
        return
    assert answer.status_code == 400
    assert answer.json()["name"][0]["message"]
    assert not Project.objects.exists()


def test_a_name_is_taken_whatever_its_case(alice_api: APIClient, charlie_api: APIClient) -> None:
    assert alice_api.post(LIST, {"name": "same"}).status_code == 201
    answer = alice_api.post(LIST, {"name": "SAME"})
    assert answer.status_code == 400
    assert answer.json()["name"] == [
        {"message": "alice already has a project called 'SAME'. Choose another name.", "code": "unique"}
    ]
    assert charlie_api.post(LIST, {"name": "same"}).status_code == 201


def test_owners_to_choose_from_and_creating_for_them(alice_api: APIClient, alice: User, bob: User) -> None:
    assert alice_api.get(f"{LIST}ownership_options/").json() == ["alice"]
    mine = make_organization("mine", owners=(alice,))
    theirs = make_organization("theirs", owners=(bob,), members=(alice,))
    make_team(mine, "core")
    make_team(theirs, "in", members=(alice,))
    make_team(theirs, "out", members=(bob,))
    options = alice_api.get(f"{LIST}ownership_options/").json()
    assert options == ["mine", "mine:core", "theirs", "theirs:in", "alice"]
    for number, owner in enumerate(options):
        answer = alice_api.post(LIST, {"name": f"p{number}", "owner": owner})
        assert answer.status_code == 201, owner
        assert answer.json()["owner"]["username"] == owner.partition(":")[0]
    assert Project.objects.get(name="p1").team is not None


@pytest.mark.parametrize("owner", ["bob", "theirs", "theirs:out", "absent", "alice:team", "x\0y"])
def test_owners_that_are_refused(alice_api: APIClient, bob: User, owner: str) -> None:
    make_team(make_organization("theirs", owners=(bob,)), "out", members=(bob,))
    answer = alice_api.post(LIST, {"name": "p", "owner": owner})
    assert answer.status_code == 400
    assert "owner" in answer.json()
    assert not Project.objects.filter(name="p").exists()


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_change_leaves_what_is_not_said(alice_api: APIClient, project: Project, method: str) -> None:
    project.description = "stays"
    project.save()
    answer = getattr(alice_api, method)(at(project), {"name": "renamed", "yaml_path": "jobs/valohai.yaml"})
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["name"], shown["description"], shown["yaml_path"]) == (
        "renamed",
        "stays",
        "jobs/valohai.yaml",
    )


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../b", "-x", ".", "a\nb"])
def test_paths_that_lead_elsewhere(alice_api: APIClient, project: Project, path: str) -> None:
    answer = alice_api.patch(at(project), {"yaml_path": path})
    assert answer.status_code == 400
    assert "yaml_path" in answer.json()


def test_a_project_moves_to_another_owner(alice_api: APIClient, alice: User, project: Project) -> None:
    make_organization("mine", owners=(alice,))
    assert alice_api.patch(at(project), {"owner": "mine"}).json()["owner"]["username"] == "mine"
    assert alice_api.patch(at(project), {"owner": "charlie"}).status_code == 400


def test_delete_takes_everything_with_it(
    alice_api: APIClient,
    project: Project,
    django_capture_on_commit_callbacks: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delete_stored_files, "delay", delete_stored_files)
    commit = make_commit(project)
    execution = make_execution(project, status=Status.COMPLETE, commit=commit)
    make_datum(project, output_execution_id=execution.pk)
    with django_capture_on_commit_callbacks(execute=True):
        assert alice_api.delete(at(project)).status_code == 204
    assert not Project.objects.filter(pk=project.pk).exists()
    assert not Commit.objects.filter(pk=commit.pk).exists()
    assert not default_storage.exists(commit.archive_key)
    assert alice_api.delete(at(project)).status_code == 404


def test_delete_waits_for_what_still_runs(alice_api: APIClient, project: Project) -> None:
    make_execution(project, status=Status.STARTED)
    answer = alice_api.delete(at(project))
    assert answer.status_code == 409
    assert "1 execution of this project did not end yet" in answer.json()["message"]
    assert Project.objects.filter(pk=project.pk).exists()


def test_variables_are_set_replaced_and_deleted(alice_api: APIClient, project: Project) -> None:
    address = at(project, "environment_variable/")
    assert alice_api.post(address, {"name": "A", "value": " 1 ", "secret": False}).status_code == 201
    assert alice_api.post(address, {"name": "A", "value": "2", "secret": True}).json() == {
        "name": "A", "value": None, "secret": True
    }  # fmt: skip
    assert project.variables.get().value == "2"
    assert alice_api.get(at(project)).json()["environment_variables"] == {
        "A": {"value": None, "secret": True}
    }
    assert alice_api.delete(address, {"name": "A"}).status_code == 204
    answer = alice_api.delete(address, {"name": "A"})
    assert answer.status_code == 404
    assert "'A'" in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "A B", "value": "1"}, "name"), ({"name": "", "value": "1"}, "name"), ({"value": "1"}, "name"),
        ({"name": "A"}, "value"), ({"name": "A", "value": "a\0b"}, "value"), ({"name": "A", "value": "x" * 200_000}, "value"),
    ],
)  # fmt: skip
def test_variables_that_are_refused(alice_api: APIClient, project: Project, body: Any, field: str) -> None:
    answer = alice_api.post(at(project, "environment_variable/"), body)
    assert answer.status_code == 400
    assert field in answer.json()
    assert not project.variables.exists()


def test_fetch_without_repository_says_what_to_do(alice_api: APIClient, project: Project) -> None:
    answer = alice_api.post(at(project, "fetch/"))
    assert answer.status_code == 400
    assert "Link one in its settings" in answer.json()["message"]


@pytest.mark.parametrize("rows", [2, 20])
def test_the_list_costs_the_same_for_few_and_many(
    bob_api: APIClient, alice: User, bob: User, rows: int, django_assert_num_queries: Any
) -> None:
    for _ in range(rows):
        project = make_project(owner=alice)
        make_collaborator(project, bob)
        ProjectVariable.objects.create(project=project, name="A", value="1")
        make_execution(project, status=Status.COMPLETE)
    with django_assert_num_queries(7):
        answer = bob_api.get(LIST)
    assert answer.json()["count"] == rows + 1


def test_read_only_is_told_per_row(alice: User) -> None:
    reader = make_user("reader")
    organization = make_organization("house", owners=(alice,), members=(reader,))
    readers = make_team(organization, "readers", members=(reader,), is_read_only=True)
    workers = make_team(organization, "workers", members=(reader,))
    expected = {
        make_project(owner=organization).name: False,
        make_project(owner=organization, team=readers).name: True,
        make_project(owner=organization, team=workers).name: False,
        make_project(owner=reader).name: False,
    }
    watched = make_project(owner=alice)
    make_collaborator(watched, reader, is_read_only=True)
    expected[watched.name] = True
    rows = api_of(reader).get(LIST).json()["results"]
    assert {row["name"]: row["read_only"] for row in rows} == expected


def test_filters_and_order_of_the_list(alice_api: APIClient, alice: User) -> None:
    for name in ("beta", "alpha", "gamma"):
        make_project(owner=alice, name=name)
    names = [row["name"] for row in alice_api.get(LIST, {"ordering": "-name"}).json()["results"]]
    assert names == ["gamma", "beta", "alpha"]
    assert alice_api.get(LIST, {"name": "ALPHA"}).json()["count"] == 1
    assert alice_api.get(LIST, {"search": "a\0lph"}).json()["count"] == 1
    assert alice_api.get(LIST, {"ordering": "nonsense", "unknown": "1"}).json()["count"] == 3
    row = alice_api.get(LIST, {"exclude": "execution_summary, tags"}).json()["results"][0]
    assert "execution_summary" not in row
    assert "tags" not in row
