"""`PUT /api/v0/projects/{id}/repository/`: linking a repository by script."""

import pytest
from rest_framework.test import APIClient

from projects.models import Project, Repository
from tests.projects.git_support import WorkingCopy


def address(project: Project) -> str:
    return f"/api/v0/projects/{project.pk}/repository/"


def test_an_administrator_links_and_fetches(
    alice_api: APIClient, project: Project, code: WorkingCopy
) -> None:
    answer = alice_api.put(address(project), {"url": str(code.folder), "fetch_reference": "main, v*"})
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["url"], shown["ref"]) == (str(code.folder), "main, v*")
    assert shown["project"]["id"] == str(project.pk)
    fetched = alice_api.post(f"/api/v0/projects/{project.pk}/fetch/").json()
    assert [row["identifier"] for row in fetched["commits"]] == [code.git("rev-parse", "HEAD")]


def test_secrets_are_taken_and_never_shown(alice_api: APIClient, project: Project) -> None:
    body = {"url": "https://git.example.com/code", "access_token": "t0ken"}
    answer = alice_api.put(address(project), body)
    assert "t0ken" not in answer.content.decode()
    assert Repository.objects.get().access_token == "t0ken"
    alice_api.put(address(project), {"url": "https://git.example.com/code"})
    assert Repository.objects.get().access_token == "t0ken", "what is not said stays"
    alice_api.put(address(project), {"url": "https://git.example.com/code", "access_token": ""})
    assert Repository.objects.get().access_token == ""


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "ext::sh -c id"}, "url"),
        ({"url": "/etc"}, "url"),
        ({"url": "https://git.example.com/code", "fetch_reference": "a b"}, "fetch_reference"),
        ({"url": "git@git.example.com:code", "private_key": "garbage"}, "private_key"),
    ],
)
def test_what_is_refused(alice_api: APIClient, project: Project, body: dict[str, str], field: str) -> None:
    answer = alice_api.put(address(project), body)
    assert answer.status_code == 400
    assert field in answer.json()
    assert not Repository.objects.exists()


def test_only_administrators(bob_api: APIClient, charlie_api: APIClient, project: Project) -> None:
    body = {"url": "https://git.example.com/code"}
    assert bob_api.put(address(project), body).status_code == 403
    assert charlie_api.put(address(project), body).status_code == 404
    assert not Repository.objects.exists()
