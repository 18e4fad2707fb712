"""Fetching from a local path: which commits become rows, and what is said about the rest."""

import gzip
import hashlib
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from accounts.models import User
from projects import background, fetching, services
from projects.errors import RepositoryMissing
from projects.git.mirror import Mirror
from projects.models import Commit, Project
from tests.projects.git_support import YAML, WorkingCopy

Unpack = Callable[[Commit], dict[str, bytes]]


def test_every_commit_of_the_branch_becomes_a_row_with_its_archive(
    linked: Project, alice: User, code: WorkingCopy, unpack: Unpack
) -> None:
    first = code.git("rev-parse", "HEAD")
    second = code.commit({"train.py": "print('second')\n"}, "second")
    result = services.fetch_repository(project=linked, actor=alice)
    assert result.errors == []
    assert [commit.identifier for commit in result.commits] == [second, first]
    newest = Commit.objects.get(identifier=second)
    assert (newest.ref, newest.ref_names, newest.adhoc) == ("main", ["main"], False)
    assert (newest.description, newest.author) == ("second", "Ada")
    assert newest.committed_at == datetime.fromtimestamp(1_700_000_120, UTC)
    assert newest.config == [
        {"step": {"name": "train", "image": "python:3.11", "command": "python train.py"}}
    ]
    assert newest.config_errors == []
    assert newest.yaml_source == YAML
    assert unpack(newest) == {"valohai.yaml": YAML.encode(), "train.py": b"print('second')\n"}
    assert unpack(Commit.objects.get(identifier=first))["train.py"] == b"print('hello')\n"


def test_checksum_and_size_are_those_of_the_stored_archive(linked: Project, alice: User) -> None:
    commit = services.fetch_repository(project=linked, actor=alice).commits[0]
    data = default_storage.open(commit.archive_key).read()
    assert hashlib.sha256(data).hexdigest() == commit.archive_sha256
    assert len(data) == commit.archive_size_bytes
    assert data[4:8] == b"\0\0\0\0", "the gzip header carries no time"


def test_a_second_fetch_brings_only_what_is_new(linked: Project, alice: User, code: WorkingCopy) -> None:
    services.fetch_repository(project=linked, actor=alice)
    assert services.fetch_repository(project=linked, actor=alice).commits == []
    new = code.commit({"train.py": "print('new')\n"})
    result = services.fetch_repository(project=linked, actor=alice)
    assert [commit.identifier for commit in result.commits] == [new]


def test_snapshot_survives_the_remote(
    linked: Project, alice: User, code: WorkingCopy, unpack: Unpack
) -> None:
    commit = services.fetch_repository(project=linked, actor=alice).commits[0]
    shutil.rmtree(code.folder)
    result = services.fetch_repository(project=linked, actor=alice)
    assert "no repository at" in result.errors[0]
    assert unpack(commit)["train.py"] == b"print('hello')\n"


def test_rewritten_history_keeps_the_old_commits(linked: Project, alice: User, code: WorkingCopy) -> None:
    base = code.git("rev-parse", "HEAD")
    old = code.commit({"train.py": "old\n"})
    services.fetch_repository(project=linked, actor=alice)
    code.git("reset", "--hard", base)
    new = code.commit({"train.py": "rewritten\n"})
    services.fetch_repository(project=linked, actor=alice)
    assert Commit.objects.get(identifier=old).ref_names == []
    assert Commit.objects.get(identifier=new).ref_names == ["main"]


def test_names_and_wildcards_of_branches_and_tags(project: Project, alice: User, code: WorkingCopy) -> None:
    main = code.git("rev-parse", "HEAD")
    code.git("tag", "-a", "v1", "-m", "one")
    code.git("checkout", "-q", "-b", "release/1.0")
    release = code.commit({"train.py": "release\n"})
    code.git("checkout", "-q", "-b", "other", main)
    other = code.commit({"train.py": "other\n"})
    services.set_repository(
        project=project, actor=alice, url=str(code.folder), fetch_reference="release/*, v*, absent"
    )
    result = services.fetch_repository(project=project, actor=alice)
    assert result.errors == [], "one of several names that matches nothing is no error when another does"
    assert {commit.identifier for commit in result.commits} == {main, release}
    assert Commit.objects.get(identifier=release).ref_names == ["release/1.0"]
    assert Commit.objects.get(identifier=main).ref_names == ["v1"]
    assert not Commit.objects.filter(identifier=other).exists()


def test_a_reference_without_match_names_the_ones_there_are(
    project: Project, alice: User, code: WorkingCopy
) -> None:
    code.git("branch", "develop")
    services.set_repository(project=project, actor=alice, url=str(code.folder), fetch_reference="production")
    result = services.fetch_repository(project=project, actor=alice)
    assert result.commits == []
    assert "'production'" in result.errors[0]
    assert "'develop', 'main'" in result.errors[0]
    project.repository.refresh_from_db()
    assert project.repository.last_fetch_errors == result.errors
    assert project.repository.last_fetched_at is not None


def test_an_empty_repository_says_so(project: Project, alice: User, remotes: Path) -> None:
    empty = WorkingCopy(remotes / "empty")
    services.set_repository(project=project, actor=alice, url=str(empty.folder))
    assert "no branches and tags" in services.fetch_repository(project=project, actor=alice).errors[0]


def test_a_branch_that_takes_the_place_of_a_folder_of_branches(
    project: Project, alice: User, code: WorkingCopy
) -> None:
    code.git("branch", "topic")
    services.set_repository(project=project, actor=alice, url=str(code.folder), fetch_reference="topic*")
    services.fetch_repository(project=project, actor=alice)
    code.git("branch", "-D", "topic")
    code.git("checkout", "-q", "-b", "topic/one")
    new = code.commit({"train.py": "topic\n"})
    result = services.fetch_repository(project=project, actor=alice)
    assert result.errors == []
    assert [commit.identifier for commit in result.commits] == [new]


def test_a_tip_without_configuration_is_told(project: Project, alice: User, remotes: Path) -> None:
    code = WorkingCopy(remotes / "bare")
    tip = code.commit({"README": "nothing here\n"})
    services.set_repository(project=project, actor=alice, url=str(code.folder))
    result = services.fetch_repository(project=project, actor=alice)
    assert result.commits == []
    assert f"Commit {tip[:7]} (main) has no file 'valohai.yaml'" in result.errors[0]


def test_a_broken_configuration_is_kept_with_line_and_reason(
    linked: Project, alice: User, code: WorkingCopy
) -> None:
    tip = code.commit({"valohai.yaml": "- step:\n    name: train\n    image: [\n"})
    result = services.fetch_repository(project=linked, actor=alice)
    commit = Commit.objects.get(identifier=tip)
    assert commit.config is None
    assert commit.config_errors[0]["line"] == 4
    assert f"{tip[:7]} (main): valohai.yaml line 4" in result.errors[0]


def test_another_yaml_path_reads_the_same_commits_again(
    linked: Project, alice: User, code: WorkingCopy
) -> None:
    tip = code.commit({"jobs/valohai.yaml": YAML.replace("train", "other")})
    services.fetch_repository(project=linked, actor=alice)
    services.update_project(project=linked, actor=alice, yaml_path="jobs/valohai.yaml")
    result = services.fetch_repository(project=linked, actor=alice)
    assert [(commit.identifier, commit.yaml_path) for commit in result.commits] == [
        (tip, "jobs/valohai.yaml")
    ]
    assert Commit.objects.filter(identifier=tip).count() == 2


def test_attributes_do_not_thin_out_the_snapshot(
    linked: Project, alice: User, code: WorkingCopy, unpack: Unpack
) -> None:
    tip = code.commit({".gitattributes": "secret.txt export-ignore\nv export-subst\n", "secret.txt": "s",
                       "v": "$Format:%H$"})  # fmt: skip
    services.fetch_repository(project=linked, actor=alice)
    files = unpack(Commit.objects.get(identifier=tip))
    assert files["secret.txt"] == b"s"
    assert files["v"] == b"$Format:%H$"


def test_links_and_odd_names_survive(linked: Project, alice: User, code: WorkingCopy, unpack: Unpack) -> None:
    (code.folder / "link.py").symlink_to("train.py")
    tip = code.commit({"sub dir/ö -x.txt": "x", "data/ä/ß.bin": b"\0\xff"})
    services.fetch_repository(project=linked, actor=alice)
    files = unpack(Commit.objects.get(identifier=tip))
    assert files["sub dir/ö -x.txt"] == b"x"
    assert files["data/ä/ß.bin"] == b"\0\xff"


def test_older_commits_follow_when_the_budget_is_used_up(
    linked: Project, alice: User, code: WorkingCopy, settings: Any
) -> None:
    for number in range(4):
        code.commit({"train.py": f"{number}\n"})
    settings.FETCH_BUDGET_SECONDS = -1
    result = services.fetch_repository(project=linked, actor=alice)
    assert result.older_remain
    assert [commit.identifier for commit in result.commits] == [code.git("rev-parse", "HEAD")]
    more = fetching.snapshot_older(linked.repository)
    assert not more.older_remain
    assert [commit.identifier for commit in more.commits] == code.git("rev-list", "--skip=1", "HEAD").split()
    assert fetching.snapshot_older(linked.repository).commits == []


def test_background_work_goes_slice_by_slice(
    linked: Project, alice: User, code: WorkingCopy, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    code.commit({"train.py": "2\n"})
    settings.FETCH_BUDGET_SECONDS = -1
    services.fetch_repository(project=linked, actor=alice)
    monkeypatch.setattr(fetching, "_SLICE_SECONDS", -1)
    asked: list[Any] = []
    monkeypatch.setattr(
        background.snapshot_commits, "apply_async", lambda *given, **how: asked.append((given, how))
    )
    background.snapshot_commits(linked.repository.pk)
    assert asked == [(((linked.repository.pk,),), {"countdown": 1})]


def test_a_fault_of_the_platform_ends_the_wait_for_the_fetch(
    linked: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the storage is on fire")

    monkeypatch.setattr("projects.archives.store", broken)
    with pytest.raises(RuntimeError):
        services.fetch_repository(project=linked, actor=alice)
    linked.repository.refresh_from_db()
    assert linked.repository.last_fetched_at is not None
    assert "failed inside the platform" in linked.repository.last_fetch_errors[0]


def test_history_is_bounded_per_reference(
    linked: Project, alice: User, code: WorkingCopy, settings: Any
) -> None:
    for number in range(5):
        code.commit({"train.py": f"{number}\n"})
    settings.FETCH_HISTORY_COMMITS = 3
    result = services.fetch_repository(project=linked, actor=alice)
    assert [commit.identifier for commit in result.commits] == code.git("rev-list", "-3", "HEAD").split()


def test_a_commit_larger_than_allowed_is_refused_by_name(
    linked: Project, alice: User, code: WorkingCopy, settings: Any
) -> None:
    tip = code.commit({"zeros": b"\0" * 3 * 1024 * 1024})
    settings.GIT_MAX_REPOSITORY_MB = 1
    result = services.fetch_repository(project=linked, actor=alice)
    assert any(f"Commit {tip[:7]} is not stored" in error for error in result.errors)
    assert not Commit.objects.filter(identifier=tip).exists()


def test_the_same_tree_gives_the_same_bytes(
    linked: Project, alice: User, code: WorkingCopy, settings: Any, tmp_path: Path
) -> None:
    commit = services.fetch_repository(project=linked, actor=alice).commits[0]
    twin = Project.objects.create(name="twin", owner=alice.owner)
    services.set_repository(project=twin, actor=alice, url=str(code.folder))
    again = services.fetch_repository(project=twin, actor=alice).commits[0]
    assert again.archive_sha256 == commit.archive_sha256


@pytest.mark.django_db(transaction=True)
def test_two_fetches_at_once_store_each_commit_once(project: Project, alice: User, code: WorkingCopy) -> None:
    services.set_repository(project=project, actor=alice, url=str(code.folder))
    for number in range(3):
        code.commit({"train.py": f"{number}\n"})
    errors: list[str] = []

    def fetch() -> None:
        try:
            errors.extend(services.fetch_repository(project=project, actor=alice).errors)
        finally:
            connection.close()

    threads = [threading.Thread(target=fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert project.commits.count() == 4


def test_a_project_without_repository_cannot_fetch(project: Project, alice: User) -> None:
    with pytest.raises(RepositoryMissing):
        services.fetch_repository(project=project, actor=alice)


def test_removing_a_mirror_leaves_no_file(linked: Project, alice: User) -> None:
    services.fetch_repository(project=linked, actor=alice)
    mirror = Mirror(linked.repository.pk)
    assert mirror.folder.exists()
    mirror.remove()
    assert list(mirror.folder.parent.iterdir()) == []


def test_archives_are_plain_gzipped_tars(linked: Project, alice: User) -> None:
    commit = services.fetch_repository(project=linked, actor=alice).commits[0]
    assert commit.archive_key == f"code/{linked.pk}/{commit.archive_sha256}.tar.gz"
    assert gzip.decompress(default_storage.open(commit.archive_key).read())
