"""Running one git command: scrubbed environment, no prompts, bounded time and size, no process left behind."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from projects.git import failures

_CHECK_SECONDS = 0.5


@dataclass(frozen=True)
class Surroundings:
    """What every command of one conversation shares. `url` and `host` are only for messages."""

    environment: dict[str, str]
    url: str = "the repository"
    host: str = ""


class CommandFailed(Exception):
    """A local git command failed; the conversation with the remote was not involved."""

    def __init__(self, stderr: str) -> None:
        super().__init__(stderr[-2000:])
        self.stderr = stderr


def run(
    arguments: Sequence[str],
    *,
    around: Surroundings,
    folder: Path,
    timeout_seconds: float,
    stdin: bytes | None = None,
    too_big: Callable[[], int | None] | None = None,
) -> bytes:
    """The standard output of `git <arguments>`.

    Raises `GitFailed` with a readable reason. `too_big` is asked every half second and at the end; it answers with
    the exceeded limit in MB when the command has to be given up.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin or b"")
        given.seek(0)
        process = _start(arguments, around, folder, given, out, err)
        try:
            _wait(process, around, timeout_seconds, too_big)
        finally:
            _end(process)
        err.seek(0)
        stderr = err.read(200_000).decode(errors="replace")
        if process.returncode != 0:
            raise failures.explain(stderr, url=around.url, host=around.host)
        out.seek(0)
        return out.read()


@contextmanager
def stream(
    arguments: Sequence[str], *, around: Surroundings, folder: Path, timeout_seconds: float
) -> Iterator[IO[bytes]]:
    """The standard output of `git <arguments>` as it comes. Raises `CommandFailed` when the command failed."""
    with tempfile.TemporaryFile() as nothing, tempfile.TemporaryFile() as err:
        process = _start(arguments, around, folder, nothing, subprocess.PIPE, err)
        assert process.stdout is not None  # noqa: S101  (it was asked for above)
        try:
            yield process.stdout
            process.wait(timeout=timeout_seconds)
        finally:
            process.stdout.close()
            _end(process)
        if process.returncode != 0:
            err.seek(0)
            raise CommandFailed(err.read(200_000).decode(errors="replace"))


def _start(
    arguments: Sequence[str],
    around: Surroundings,
    folder: Path,
    stdin: IO[bytes],
    stdout: IO[bytes] | int,
    stderr: IO[bytes],
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        ["git", *arguments], cwd=folder, env=around.environment, stdin=stdin, stdout=stdout, stderr=stderr,
        start_new_session=True,
    )  # fmt: skip


def _wait(
    process: "subprocess.Popen[bytes]",
    around: Surroundings,
    timeout_seconds: float,
    too_big: Callable[[], int | None] | None,
) -> None:
    deadline = time.monotonic() + timeout_seconds
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=min(_CHECK_SECONDS, timeout_seconds))
        if too_big is not None and (megabytes := too_big()) is not None:
            raise failures.too_large(megabytes, url=around.url)
        if process.returncode is not None:
            return
        if time.monotonic() > deadline:
            raise failures.timed_out(timeout_seconds, url=around.url)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of the command's process group: git leaves helpers (ssh, remote-https) behind when killed."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
