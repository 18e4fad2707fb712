"""`/api/v0/commits/`, `/api/v0/repositories/`, fetch and upload of ad-hoc code."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.models import User
from common import clock
from projects import services
from projects.errors import CommitAmbiguous, CommitNotFound
from projects.models import Commit, Project
from projects.selectors import resolve_commit
from tests.projects.git_support import YAML, WorkingCopy
from tests.projects.test_packages import file, link, pack
from tests.support.factories import make_commit, make_project

ROW = {
    "repository", "ref", "ref_names", "identifier", "commit_time", "ctime", "description", "adhoc", "has_config",
    "yaml_path", "project_id", "url", "urls",
}  # fmt: skip


def upload(client: APIClient, project: Project, data: bytes, **fields: str) -> Any:
    package = SimpleUploadedFile("data.tgz", data, "application/gzip")
    return client.post(
        f"/api/v0/projects/{project.pk}/import-package/", {"data": package, **fields}, format="multipart"
    )


def test_fetch_answers_with_the_new_commits(alice_api: APIClient, linked: Project, code: WorkingCopy) -> None:
    address = f"/api/v0/projects/{linked.pk}/fetch/"
    answer = alice_api.post(address)
    assert answer.status_code == 201
    assert answer.json()["errors"] == []
    (row,) = answer.json()["commits"]
    assert set(row) == ROW
    assert (row["identifier"], row["ref"]) == (code.git("rev-parse", "HEAD"), "main")
    assert row["repository"] == linked.repository.pk
    assert alice_api.post(address, {"id": str(linked.pk)}, format="multipart").json() == {
        "commits": [],
        "errors": [],
    }


def test_errors_of_a_fetch_are_not_an_error_status(
    bob_api: APIClient, linked: Project, alice: User, code: WorkingCopy
) -> None:
    services.set_repository(project=linked, actor=alice, url=str(code.folder), fetch_reference="absent")
    answer = bob_api.post(f"/api/v0/projects/{linked.pk}/fetch/")
    assert answer.status_code == 201
    assert answer.json()["commits"] == []
    assert "'absent'" in answer.json()["errors"][0]


def test_commits_of_a_project_are_a_bare_list_with_equal_keys(alice_api: APIClient, project: Project) -> None:
    now = clock.now()
    old = make_commit(project, committed_at=now - timedelta(days=1))
    new = make_commit(project, committed_at=now, config=None, config_errors=[{"line": 1, "message": "bad"}])
    adhoc = make_commit(
        project, committed_at=now - timedelta(hours=1), adhoc=True, identifier="~" + "a" * 64, ref="adhoc"
    )
    rows = alice_api.get(f"/api/v0/projects/{project.pk}/commits/").json()
    assert [row["identifier"] for row in rows] == [new.identifier, adhoc.identifier, old.identifier]
    assert [set(row) for row in rows] == [ROW] * 3
    assert [row["has_config"] for row in rows] == [False, True, True]
    assert rows[1]["adhoc"] is True
    assert rows[0]["urls"]["display"] == f"http://testserver/p/alice/{project.name}/commits/{new.identifier}/"


def test_the_list_of_commits_and_its_filters(
    alice_api: APIClient, charlie_api: APIClient, project: Project, alice: User
) -> None:
    git = make_commit(project)
    adhoc = make_commit(project, adhoc=True, identifier="~" + "b" * 64, ref="adhoc", ref_names=[])
    elsewhere = make_commit(make_project(owner=alice), committed_at=clock.now() - timedelta(days=3))

    def found(**given: Any) -> list[str]:
        return [row["identifier"] for row in alice_api.get("/api/v0/commits/", given).json()["results"]]

    assert found(project=str(project.pk), adhoc="false", limit=9000) == [git.identifier]
    assert found(project=str(project.pk), adhoc="True") == [adhoc.identifier]
    assert found(limit=10000, ordering="-commit_time")[-1] == elsewhere.identifier
    assert found(ordering="commit_time")[0] == elsewhere.identifier
    assert set(found(ref="main")) == {git.identifier, elsewhere.identifier}
    assert found(identifier=git.identifier) == [git.identifier]
    assert found(project="nonsense") == []
    assert found(repository="x") == []
    assert charlie_api.get("/api/v0/commits/").json()["results"] == []
    assert charlie_api.get("/api/v0/commits/", {"project": str(project.pk)}).json()["results"] == []


def test_a_commit_with_and_without_its_configuration(alice_api: APIClient, project: Project) -> None:
    commit = make_commit(project)
    address = f"/api/v0/commits/{commit.identifier}/"
    shown = alice_api.get(address, {"project": str(project.pk)}).json()
    assert set(shown) == ROW | {"config_errors", "missing_parts"}
    assert alice_api.get(address, {"include": "config"}).json()["config"][0]["step"]["name"] == "train"
    without_slash = alice_api.get(address.rstrip("/") + "?include=config", follow=True)
    assert without_slash.json()["config"]
    by_url = alice_api.get(shown["url"], {"include": "config"}).json()
    assert by_url["identifier"] == commit.identifier


def test_ad_hoc_identifiers_with_and_without_project(
    alice_api: APIClient, charlie_api: APIClient, project: Project
) -> None:
    commit = make_commit(project, adhoc=True, identifier="~" + "c" * 64)
    address = f"/api/v0/commits/{commit.identifier}/"
    assert alice_api.get(address, {"project": str(project.pk)}).json()["adhoc"] is True
    assert alice_api.get(address, {"include": "config"}).json()["config"]
    assert charlie_api.get(address).status_code == 404
    assert charlie_api.get(address, {"project": str(project.pk)}).status_code == 404
    assert alice_api.get(f"/api/v0/commits/~{'d' * 64}/").status_code == 404


def test_the_same_git_commit_in_two_projects(alice_api: APIClient, alice: User, project: Project) -> None:
    other = make_project(owner=alice, yaml_path="other.yaml")
    make_commit(project, identifier="f" * 40)
    second = make_commit(other, identifier="f" * 40, yaml_path="other.yaml")
    shown = alice_api.get(f"/api/v0/commits/{'f' * 40}/", {"project": str(other.pk)}).json()
    assert shown["project_id"] == str(other.pk)
    assert alice_api.get(shown["url"]).json()["project_id"] == str(other.pk)
    assert str(second.pk) in shown["url"]


@pytest.mark.parametrize("rows", [2, 20])
def test_the_list_costs_the_same_for_few_and_many(
    alice_api: APIClient, project: Project, rows: int, django_assert_num_queries: Any
) -> None:
    for _ in range(rows):
        make_commit(project)
    with django_assert_num_queries(5):
        assert alice_api.get("/api/v0/commits/").json()["count"] == rows


def test_repositories(alice_api: APIClient, charlie_api: APIClient, linked: Project) -> None:
    (row,) = alice_api.get("/api/v0/repositories/", {"limit": 10000}).json()["results"]
    assert row["id"] == linked.repository.pk
    assert row["project"]["id"] == str(linked.pk)
    assert not {"access_token", "private_key", "known_hosts"} & set(row)
    assert alice_api.get(f"/api/v0/projects/{linked.pk}/").json()["repository"] == {
        "id": linked.repository.pk, "url": linked.repository.url, "ref": "master, main"
    }  # fmt: skip
    assert charlie_api.get("/api/v0/repositories/").json()["results"] == []


def test_uploaded_code_becomes_a_commit_named_by_its_bytes(
    bob_api: APIClient, bob: User, project: Project
) -> None:
    data = pack([file("train.py"), file("valohai.yaml", YAML.encode())])
    answer = upload(bob_api, project, data, description="heads/master-0-g2187bc0", yaml_path="valohai.yaml")
    assert answer.status_code == 201
    row = answer.json()
    assert set(row) == ROW
    assert row["identifier"] == "~" + hashlib.sha256(data).hexdigest()
    assert (row["adhoc"], row["ref"], row["repository"]) == (True, "adhoc", None)
    assert row["description"] == "heads/master-0-g2187bc0"
    commit = Commit.objects.get(identifier=row["identifier"])
    assert default_storage.open(commit.archive_key).read() == data
    assert (commit.archive_sha256, commit.archive_size_bytes) == (row["identifier"][1:], len(data))
    assert commit.author == "bob"


def test_the_same_bytes_again_are_the_same_commit(alice_api: APIClient, project: Project) -> None:
    data = pack([file("valohai.yaml", YAML.encode())])
    first = upload(alice_api, project, data).json()
    again = upload(alice_api, project, data)
    assert again.status_code == 201
    assert again.json() == first
    assert project.commits.count() == 1


def test_the_configuration_may_be_elsewhere(alice_api: APIClient, project: Project) -> None:
    data = pack(
        [file("valohai.yaml", YAML.encode()), file("jobs/a.yaml", YAML.replace("train", "a").encode())]
    )
    assert upload(alice_api, project, data, yaml_path="jobs/a.yaml").json()["yaml_path"] == "jobs/a.yaml"
    commit = project.commits.get()
    assert commit.config[0]["step"]["name"] == "a"
    upload(alice_api, project, data)
    assert project.commits.count() == 2


def test_uploads_that_are_refused(alice_api: APIClient, project: Project) -> None:
    good = file("valohai.yaml", YAML.encode())
    cases: list[tuple[bytes, dict[str, str], str, str]] = [
        (pack([file("x.py")]), {}, "yaml_path", "no file 'valohai.yaml'"),
        (pack([good]), {"yaml_path": "other.yaml"}, "yaml_path", "no file 'other.yaml'"),
        (pack([good]), {"yaml_path": "../valohai.yaml"}, "yaml_path", "cannot be the path"),
        (pack([file("valohai.yaml", b"- step:\n    name: [\n")]), {}, "yaml_path", "valohai.yaml line 3"),
        (pack([file("valohai.yaml", b"- step:\n    name: a\n")]), {}, "yaml_path", "line 2"),
        (pack([file("valohai.yaml", b"\xff\xfe")]), {}, "yaml_path", "not UTF-8"),
        (pack([file("valohai.yaml", b"#" * 300_000)]), {}, "yaml_path", "larger than 256 KiB"),
        (pack([good, file("../x")]), {}, "data", "'../x' leads out"),
        (pack([good, link("a", "/etc/shadow")]), {}, "data", "'a' is a link"),
        (b"not a package", {}, "data", "not a whole gzipped tar"),
    ]  # fmt: skip
    for data, fields, field, words in cases:
        answer = upload(alice_api, project, data, **fields)
        assert answer.status_code == 400, words
        assert words in answer.json()[field][0]["message"]
    answer = alice_api.post(f"/api/v0/projects/{project.pk}/import-package/", {}, format="multipart")
    assert "data" in answer.json()
    assert not project.commits.exists()


def test_limits_of_an_upload(alice_api: APIClient, project: Project, settings: Any) -> None:
    settings.PACKAGE_MAX_FILES = 2
    many = pack([file("valohai.yaml", YAML.encode()), file("a"), file("b")])
    assert "more than 2 files" in upload(alice_api, project, many).json()["data"][0]["message"]
    settings.PACKAGE_MAX_FILES, settings.PACKAGE_MAX_UNPACKED_MB = 10, 0
    assert "when it is unpacked" in upload(alice_api, project, many).json()["data"][0]["message"]
    settings.PACKAGE_MAX_MB = 0
    assert "larger than 0 MB" in upload(alice_api, project, many).json()["data"][0]["message"]
    settings.PACKAGE_MAX_MB = -2
    assert "larger than -2 MB" in upload(alice_api, project, many).json()["data"][0]["message"]
    assert not project.commits.exists()


def test_a_stranger_cannot_upload(charlie_api: APIClient, project: Project) -> None:
    assert upload(charlie_api, project, pack([file("valohai.yaml", b"[]")])).status_code == 404
    assert not project.commits.exists()


def test_what_a_reference_means(project: Project, django_assert_num_queries: Any) -> None:
    now = clock.now()
    old = make_commit(project, identifier="aaaa1" + "0" * 35, committed_at=now - timedelta(days=2))
    tip = make_commit(project, identifier="aaaa2" + "0" * 35, ref_names=["main", "v1"], committed_at=now)
    branch = make_commit(project, identifier="bbbb" + "0" * 36, ref="topic", ref_names=[], committed_at=now)
    adhoc = make_commit(project, adhoc=True, identifier="~" + "c" * 64, ref="adhoc", ref_names=[])
    old.ref_names = []
    old.save()
    for reference, commit in {
        tip.identifier: tip, "main": tip, "v1": tip, "refs/heads/main": tip, "topic": branch, "bbbb": branch,
        "aaaa1": old, adhoc.identifier: adhoc, "~cccc": adhoc, str(old.pk): old,
    }.items():  # fmt: skip
        with django_assert_num_queries(1):
            assert resolve_commit(project, reference) == commit
    with pytest.raises(CommitAmbiguous, match="aaaa1"):
        resolve_commit(project, "aaaa")
    for reference in ("", "absent", "bbb", "adhoc", "x\0", "%", "_" * 40, "a" * 300, "0" * 40):
        with pytest.raises(CommitNotFound):
            resolve_commit(project, reference)


def test_a_reference_never_means_a_commit_of_another_project(project: Project, alice: User) -> None:
    foreign = make_commit(make_project(owner=alice))
    for reference in (foreign.identifier, str(foreign.pk), "main", foreign.identifier[:8]):
        with pytest.raises(CommitNotFound):
            resolve_commit(project, reference)


def test_of_two_configurations_the_project_s_own_is_meant(project: Project) -> None:
    wanted = make_commit(project, identifier="e" * 40)
    make_commit(project, identifier="e" * 40, yaml_path="other.yaml")
    assert resolve_commit(project, "e" * 40) == wanted
