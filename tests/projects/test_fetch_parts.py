"""Submodules and LFS files: in the snapshot where they can be read, named where they cannot."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from projects import services
from projects.models import Commit, Project
from tests.projects.git_support import YAML, WorkingCopy

Unpack = Callable[[Commit], dict[str, bytes]]


@pytest.fixture
def part(remotes: Path) -> WorkingCopy:
    inner = WorkingCopy(remotes / "inner")
    inner.commit({"inner.txt": "inner\n"})
    outer = WorkingCopy(remotes / "part")
    outer.git("submodule", "--quiet", "add", str(inner.folder), "below")
    outer.commit({"part.txt": "part\n"})
    return outer


def add_part(code: WorkingCopy, url: str, part: WorkingCopy) -> str:
    code.git("submodule", "--quiet", "add", str(part.folder), "lib")
    code.git("config", "--file", ".gitmodules", "submodule.lib.url", url)
    return code.commit()


def test_submodules_of_submodules_are_in_the_snapshot(
    linked: Project, alice: User, code: WorkingCopy, part: WorkingCopy, unpack: Unpack
) -> None:
    tip = add_part(code, "../part", part)
    result = services.fetch_repository(project=linked, actor=alice)
    assert result.errors == []
    commit = Commit.objects.get(identifier=tip)
    files = unpack(commit)
    assert files["lib/part.txt"] == b"part\n"
    assert files["lib/below/inner.txt"] == b"inner\n"
    assert files["train.py"] == b"print('hello')\n"
    assert not any(".git/" in name or name.endswith("/.git") for name in files)
    assert commit.missing_parts == []


def test_a_submodule_that_cannot_be_read_is_named_and_tried_again(
    linked: Project, alice: User, code: WorkingCopy, part: WorkingCopy, remotes: Path, unpack: Unpack
) -> None:
    hidden = remotes / "part-away"
    tip = add_part(code, "../part", part)
    part.folder.rename(hidden)
    result = services.fetch_repository(project=linked, actor=alice)
    assert "Submodule 'lib' is left out: There is no repository at" in result.errors[0]
    commit = Commit.objects.get(identifier=tip)
    assert "lib/part.txt" not in unpack(commit)
    assert commit.missing_parts
    hidden.rename(part.folder)
    assert services.fetch_repository(project=linked, actor=alice).errors == []
    commit.refresh_from_db()
    assert commit.missing_parts == []
    assert unpack(commit)["lib/part.txt"] == b"part\n"


@pytest.mark.parametrize(
    "url", ["ext::sh -c 'touch /tmp/owned'", "--upload-pack=touch /tmp/owned", "file:///etc"]
)
def test_a_submodule_address_is_held_to_the_same_rules(
    linked: Project, alice: User, code: WorkingCopy, part: WorkingCopy, url: str
) -> None:
    tip = add_part(code, url, part)
    result = services.fetch_repository(project=linked, actor=alice)
    assert "Submodule 'lib' is left out" in result.errors[0]
    assert Commit.objects.filter(identifier=tip).exists()
    assert not Path("/tmp/owned").exists()


def test_a_submodule_in_a_private_network_is_refused(
    linked: Project, alice: User, code: WorkingCopy, part: WorkingCopy, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_NETWORK_URLS = False
    add_part(code, "http://169.254.169.254/latest/meta-data", part)
    result = services.fetch_repository(project=linked, actor=alice)
    assert "'169.254.169.254' is in a private network" in result.errors[0]


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
@pytest.mark.parametrize("enabled", [True, False])
def test_lfs_files_come_where_it_is_enabled(
    project: Project, alice: User, remotes: Path, enabled: bool, unpack: Unpack
) -> None:
    code = WorkingCopy(remotes / "large")
    subprocess.run(["git", "lfs", "install", "--local"], cwd=code.folder, check=True, capture_output=True)
    content = b"weights" * 1000
    tip = code.commit(
        {
            "valohai.yaml": YAML,
            ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
            "m.bin": content,
        }
    )
    services.set_repository(project=project, actor=alice, url=str(code.folder), lfs_enabled=enabled)
    result = services.fetch_repository(project=project, actor=alice)
    assert result.errors == []
    found = unpack(Commit.objects.get(identifier=tip))["m.bin"]
    assert (found == content) is enabled
    assert found.startswith(b"version https://git-lfs") is not enabled


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_lfs_files_that_cannot_be_read_are_named(project: Project, alice: User, remotes: Path) -> None:
    code = WorkingCopy(remotes / "large")
    subprocess.run(["git", "lfs", "install", "--local"], cwd=code.folder, check=True, capture_output=True)
    code.commit({"valohai.yaml": YAML, ".gitattributes": "*.bin filter=lfs -text\n", "m.bin": b"x" * 1000})
    shutil.rmtree(code.folder / ".git" / "lfs" / "objects")
    services.set_repository(project=project, actor=alice, url=str(code.folder), lfs_enabled=True)
    result = services.fetch_repository(project=project, actor=alice)
    assert "LFS files of '.' are left as pointers" in result.errors[0]
    assert len(result.commits) == 1
