"""A throwaway copy of this machine's root: what an installer does to it is not done to this machine."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

_ENTER = """
set -e
mount -t tmpfs tmpfs {work}
mkdir {work}/upper {work}/work {work}/root
mount -t overlay overlay -o lowerdir=/,upperdir={work}/upper,workdir={work}/work {work}/root
mount --rbind /proc {work}/root/proc
mount --rbind /dev {work}/root/dev
mount -t tmpfs tmpfs {work}/root/run
mount -t tmpfs tmpfs {work}/root/tmp
mount --bind {shared} {work}/root/mnt
exec sleep infinity
"""


class Machine:
    """Has this machine's programs, network and processes, and files of its own; /mnt is the folder `shared`."""

    def __init__(self, keeper: "subprocess.Popen[bytes]", root: str, shared: Path) -> None:
        self._keeper = keeper
        self._root = root
        self.shared = shared

    def command(self, *argv: str) -> list[str]:
        return ["nsenter", f"--target={self._keeper.pid}", "--mount", "chroot", self._root, *argv]

    def run(self, *argv: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*argv), env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def read(self, path: str) -> str:
        done = self.run("cat", path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def has(self, path: str) -> bool:
        return self.run("test", "-e", path).returncode == 0


@contextlib.contextmanager
def machine(shared: Path):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare")
    work = tempfile.mkdtemp(prefix="peon-machine-")
    (shared / "is-mounted").touch()
    keeper = subprocess.Popen(
        ["unshare", "--mount", "--propagation=private", "sh", "-c", _ENTER.format(work=work, shared=shared)],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        made = Machine(keeper, f"{work}/root", shared)
        while not made.has("/mnt/is-mounted"):
            if keeper.poll() is not None:
                pytest.skip(f"no overlay of the root here: {keeper.stderr.read().decode()}")
        yield made
    finally:
        keeper.kill()
        keeper.wait()
        os.rmdir(work)
