"""The tree of one commit as a tar stream, with submodules and LFS files where the credentials open them."""

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from django.conf import settings

from common.errors import DomainError
from projects.git import runner
from projects.git.addresses import Address
from projects.git.conversation import Conversation
from projects.git.runner import Surroundings

_LOCAL_TIMEOUT_SECONDS = 300
_MAX_SUBMODULE_DEPTH = 5
_MAX_SUBMODULES = 50


@dataclass
class Parts:
    """What had to be brought from elsewhere for one snapshot, and what could not be."""

    missing: list[str] = field(default_factory=list)
    submodules: int = 0


@contextmanager
def tar_of(mirror: Path, commit: str, conversation: Conversation) -> Iterator[tuple[IO[bytes], Parts]]:
    """The plain tar of the commit. Only when the block ends well was the stream whole."""
    around = conversation.local
    if not _needs_checkout(mirror, commit, around, lfs=conversation.credentials.lfs):
        with runner.stream(
            ["archive", "--format=tar", commit],
            around=around, folder=mirror, timeout_seconds=_LOCAL_TIMEOUT_SECONDS,
        ) as plain:  # fmt: skip
            yield plain, Parts()
        return
    with tempfile.TemporaryDirectory(prefix="checkout-") as folder:
        tree = Path(folder) / "tree"
        parts = _check_out(mirror, commit, tree, conversation)
        modified_at = int(_git(["log", "-1", "--format=%ct", commit], mirror, around) or 0)
        with tempfile.TemporaryFile() as plain:
            _pack(tree, plain, modified_at)
            plain.seek(0)
            yield plain, parts


def _needs_checkout(mirror: Path, commit: str, around: Surroundings, *, lfs: bool) -> bool:
    if _git(["ls-tree", "--name-only", "-z", commit, "--", ".gitmodules"], mirror, around):
        return True
    return lfs and _has_lfs_files(mirror, commit, around)


def _has_lfs_files(mirror: Path, commit: str, around: Surroundings) -> bool:
    names = _git(["ls-tree", "-r", "--name-only", "-z", commit], mirror, around).split(b"\0")
    attributes = [name for name in names if name.rpartition(b"/")[2] == b".gitattributes"]
    questions = b"".join(commit.encode() + b":" + name + b"\n" for name in attributes if b"\n" not in name)
    return b"filter=lfs" in _git(["cat-file", "--batch"], mirror, around, questions)


def _check_out(mirror: Path, commit: str, tree: Path, conversation: Conversation) -> Parts:
    around = conversation.local
    parts = Parts()
    clone = ["clone", "--quiet", "--shared", "--no-checkout", "--template=", "--", str(mirror), str(tree)]
    _git(clone, mirror, around)
    _git(["checkout", "--quiet", "--detach", commit], tree, around)
    if conversation.credentials.lfs:
        _pull_lfs(tree, conversation.address, conversation, parts, "")
    _add_submodules(tree, conversation.address, conversation, parts, "", 0)
    return parts


def _add_submodules(
    tree: Path, address: Address, conversation: Conversation, parts: Parts, prefix: str, depth: int
) -> None:
    """Level by level, so that every address is judged before git contacts it."""
    for name, path, url in _submodules(tree, conversation.local):
        parts.submodules += 1
        if depth >= _MAX_SUBMODULE_DEPTH or parts.submodules > _MAX_SUBMODULES:
            parts.missing.append(
                f"Submodule '{prefix}{path}' is left out: too many submodules, or nested too deeply."
            )
            continue
        try:
            inner = address.resolve(url)
            _fetch_submodule(tree, name, path, inner, conversation)
        except DomainError as error:
            parts.missing.append(f"Submodule '{prefix}{path}' is left out: {error.message}")
            continue
        if conversation.credentials.lfs:
            _pull_lfs(tree / path, inner, conversation, parts, f"{prefix}{path}/")
        _add_submodules(tree / path, inner, conversation, parts, f"{prefix}{path}/", depth + 1)


def _submodules(tree: Path, around: Surroundings) -> list[tuple[str, str, str]]:
    """(name, path, url) of the submodules that the checked-out tree declares and really has."""
    if not (tree / ".gitmodules").is_file() or (tree / ".gitmodules").is_symlink():
        return []
    listed = _git(["config", "--file", ".gitmodules", "--null", "--list"], tree, around).decode(
        errors="replace"
    )
    values = dict(line.split("\n", 1) for line in listed.split("\0") if "\n" in line)
    entries = _git(["ls-files", "--stage", "-z"], tree, around).decode(errors="surrogateescape").split("\0")
    links = {entry.partition("\t")[2] for entry in entries if entry.startswith("160000 ")}
    names = [key.removeprefix("submodule.").removesuffix(".path") for key in values if key.endswith(".path")]
    found = (
        (name, values[f"submodule.{name}.path"], values.get(f"submodule.{name}.url", "")) for name in names
    )
    return [(name, path, url) for name, path, url in found if path in links]


def _fetch_submodule(tree: Path, name: str, path: str, address: Address, conversation: Conversation) -> None:
    around = conversation.around(address)
    _git(["config", f"submodule.{name}.url", address.url], tree, around)
    _git(["config", f"submodule.{name}.update", "checkout"], tree, around)
    runner.run(
        ["submodule", "--quiet", "update", "--init", "--force", "--", path],
        around=around, folder=tree, timeout_seconds=settings.GIT_FETCH_TIMEOUT_SECONDS,
    )  # fmt: skip


def _pull_lfs(tree: Path, address: Address, conversation: Conversation, parts: Parts, prefix: str) -> None:
    around = conversation.around(address)
    try:
        _judge_lfs_addresses(tree, address, around)
        _git(["remote", "set-url", "origin", address.url], tree, around)
        runner.run(
            ["lfs", "pull"],
            around=around, folder=tree, timeout_seconds=settings.GIT_FETCH_TIMEOUT_SECONDS,
        )  # fmt: skip
    except DomainError as error:
        parts.missing.append(f"LFS files of '{prefix or '.'}' are left as pointers: {error.message}")


def _judge_lfs_addresses(tree: Path, address: Address, around: Surroundings) -> None:
    """A repository may name another LFS server in its own configuration; it is held to the same rules."""
    if not (tree / ".lfsconfig").is_file():
        return
    listed = _git(["config", "--file", ".lfsconfig", "--null", "--list"], tree, around).decode(
        errors="replace"
    )
    for line in listed.split("\0"):
        key, _, value = line.partition("\n")
        if key.endswith("url") and value:
            address.resolve(value).reachable_at()


def _pack(tree: Path, plain: IO[bytes], modified_at: int) -> None:
    """Always the same bytes for the same tree: sorted, one time, no users."""
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in _entries(tree):
            name = str(path.relative_to(tree))
            member = archive.gettarinfo(str(path), arcname=name)
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            member.mtime = modified_at
            member.mode = 0o775 if member.mode & 0o100 or member.isdir() else 0o664
            if member.isreg() or member.islnk():
                # Two names of one file are stored as two files: the receiver needs no hard links.
                member.type, member.size = tarfile.REGTYPE, path.stat().st_size
                with path.open("rb") as file:
                    archive.addfile(member, file)
            else:
                archive.addfile(member)


def _entries(tree: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(name for name in folders if name != ".git")
        here = Path(folder)
        yield from (here / name for name in sorted({*folders, *files} - {".git"}))


def _git(arguments: list[str], folder: Path, around: Surroundings, stdin: bytes | None = None) -> bytes:
    return runner.run(
        arguments, around=around, folder=folder, timeout_seconds=_LOCAL_TIMEOUT_SECONDS, stdin=stdin
    )
