"""The local bare copy of a repository, one per repository row, used by one process at a time."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from projects.git import failures, references, runner
from projects.git.conversation import Conversation
from projects.git.references import Reference
from projects.git.runner import Surroundings

_LOCAL_TIMEOUT_SECONDS = 120
_LOCK_POLL_SECONDS = 0.1
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class History:
    """One commit of the mirror."""

    identifier: str
    committed_at: datetime
    author: str
    subject: str


@dataclass(frozen=True)
class Blob:
    identifier: str
    content: bytes | None  # None: larger than what was asked for


class Mirror:
    def __init__(self, repository_id: int) -> None:
        self.folder = Path(settings.DATA_DIR) / "git" / str(repository_id)
        self._lock_file = self.folder.with_suffix(".lock")

    @contextmanager
    def locked(self, timeout_seconds: float) -> Iterator[None]:
        """Hold the mirror; two fetches of one repository come one after the other."""
        self._lock_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._lock_file.open("w") as file:
            deadline = time.monotonic() + timeout_seconds
            while not _try_lock(file.fileno()):
                if time.monotonic() > deadline:
                    raise failures.GitFailed(
                        "Another fetch of this repository is still running. Try again when it is done.",
                        code="busy",
                    )
                time.sleep(_LOCK_POLL_SECONDS)
            yield

    def remove(self) -> None:
        with self.locked(_LOCAL_TIMEOUT_SECONDS):
            shutil.rmtree(self.folder, ignore_errors=True)
            self._lock_file.unlink(missing_ok=True)

    def prepare(self, around: Surroundings) -> None:
        """Make the empty repository where there is none."""
        if (self.folder / "HEAD").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._git(["init", "--quiet", "--bare", "--template=", "."], around)
        # A snapshot is the tree as it is, whatever its attributes say about archives.
        (self.folder / "info").mkdir(exist_ok=True)
        (self.folder / "info" / "attributes").write_text("* -export-ignore -export-subst\n", encoding="utf-8")

    def list_remote(self, conversation: Conversation) -> list[Reference]:
        around = conversation.around()
        answer = runner.run(
            ["ls-remote", "--", conversation.address.url],
            around=around, folder=self.folder, timeout_seconds=settings.GIT_LIST_TIMEOUT_SECONDS,
        )  # fmt: skip
        return references.listed(answer)

    def fetch(self, conversation: Conversation, wanted: Iterable[Reference]) -> None:
        """Bring the wanted references here as they are there; a rewritten branch is moved, a deleted one forgotten."""
        wanted = list(wanted)
        self._forget(set(self.local_references(conversation.local)) - set(wanted), conversation.local)
        specs = "".join(f"+{reference.full_name}:{reference.full_name}\n" for reference in wanted)
        self._clear_leftovers()
        try:
            self._fetch(conversation, specs)
        except failures.GitFailed as error:
            if error.code == "too_large":  # what came is of no use, and nobody else would remove it
                shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _clear_leftovers(self) -> None:
        """A fetch that was killed leaves its half-written pack."""
        for left in (self.folder / "objects" / "pack").glob("tmp_*"):
            left.unlink(missing_ok=True)

    def _fetch(self, conversation: Conversation, specs: str) -> None:
        runner.run(
            ["fetch", "--quiet", "--force", "--no-tags", "--no-recurse-submodules", "--stdin", "--",
             conversation.address.url],
            around=conversation.around(), folder=self.folder, stdin=specs.encode(),
            timeout_seconds=settings.GIT_FETCH_TIMEOUT_SECONDS, too_big=self._too_big,
        )  # fmt: skip

    def local_references(self, around: Surroundings) -> list[Reference]:
        """What the last fetch brought."""
        return references.listed(self._git(["for-each-ref", "--format=%(objectname)%09%(refname)"], around))

    def _forget(self, gone: Iterable[Reference], around: Surroundings) -> None:
        # Before the fetch: a branch `a` that is gone would be in the way of a new branch `a/b`.
        orders = "".join(f"delete {reference.full_name}\n" for reference in gone)
        self._git(["update-ref", "--stdin"], around, orders.encode())

    def tidy(self, around: Surroundings) -> None:
        """Pack what many small fetches left, when it is time."""
        self._git(["-c", "gc.auto=2000", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"], around)

    def history(self, reference: Reference, most: int, around: Surroundings) -> list[History]:
        """The newest commits of a reference, newest first. `GitFailed` when it names no commit (a tag may name a file)."""
        output = self._git(
            ["log", "-z", f"--max-count={most}", "--format=%H%x00%ct%x00%an%x00%s", "--no-show-signature",
             "--end-of-options", f"{reference.full_name}^0", "--"],
            around,
        )  # fmt: skip
        parts = output.decode(errors="replace").split("\0")
        return [_history(*parts[start : start + 4]) for start in range(0, len(parts) - 3, 4)]

    def read_files(
        self, commits: Iterable[str], path: str, most_bytes: int, around: Surroundings
    ) -> dict[str, Blob]:
        """The file at `path` of each commit that has one; found by one git process for all."""
        commits = list(commits)
        questions = "".join(f"{commit}:{path}\n" for commit in commits).encode()
        found = self._git(
            ["cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize)"], around, questions
        )
        blobs: dict[str, tuple[str, int]] = {}
        for commit, line in zip(commits, found.decode(errors="replace").splitlines(), strict=True):
            kind, _, rest = line.partition(" ")
            if kind == "blob":
                name, _, size = rest.partition(" ")
                blobs[commit] = (name, int(size))
        wanted = dict.fromkeys(name for name, size in blobs.values() if size <= most_bytes)
        contents = self._read_blobs(wanted, around)
        return {commit: Blob(name, contents.get(name)) for commit, (name, _) in blobs.items()}

    def _read_blobs(self, names: Iterable[str], around: Surroundings) -> dict[str, bytes]:
        output = self._git(["cat-file", "--batch"], around, "".join(f"{name}\n" for name in names).encode())
        contents, position = {}, 0
        while position < len(output):
            head_end = output.index(b"\n", position)
            name, _, size = output[position:head_end].decode().split(" ")
            contents[name] = output[head_end + 1 : head_end + 1 + int(size)]
            position = head_end + 1 + int(size) + 1
        return contents

    def _too_big(self) -> int | None:
        limit = int(settings.GIT_MAX_REPOSITORY_MB)
        size = sum(_size(Path(folder) / name) for folder, _, names in os.walk(self.folder) for name in names)
        return limit if size > limit * 1024 * 1024 else None

    def _git(self, arguments: list[str], around: Surroundings, stdin: bytes | None = None) -> bytes:
        return runner.run(
            arguments, around=around, folder=self.folder, timeout_seconds=_LOCAL_TIMEOUT_SECONDS, stdin=stdin
        )


def _history(identifier: str, seconds: str, author: str, subject: str) -> History:
    try:
        committed_at = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        committed_at = _LATEST  # git stores any number; a date that cannot be shown must not cost the commit
    return History(identifier, committed_at, author[:255], subject)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:  # git renames and removes temporary files while we look
        return 0
