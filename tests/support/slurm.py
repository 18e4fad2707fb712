"""A real Slurm of one node for tests: munged, slurmctld and slurmd of Debian, in a folder of their own, on free ports."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.live import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
MISSING = [
    name for name in PROGRAMS if shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None
]

_CONFIGURATION = """\
ClusterName=trial
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=100
GresTypes=gpu
SchedulerType=sched/backfill
SchedulerParameters={scheduler}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
KillWait=10
MinJobAge=60
ReturnToService=2
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=2000 Gres=gpu:2 State=UNKNOWN
PartitionName=batch Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=15
PartitionName=urgent Nodes=ALL MaxTime=60 State=UP PriorityTier=10 PreemptMode=OFF
PartitionName=closed Nodes=ALL State=DOWN
"""
PROMPT = "batch_sched_delay=0,sched_min_interval=0,bf_interval=1"
"""Jobs begin at once instead of after Slurm's default of about three seconds."""


@dataclass
class Cluster:
    """`environment` is what Slurm's programs need to find it."""

    folder: Path
    scheduler: str = PROMPT
    controller_port: int = field(default_factory=free_port)
    node_port: int = field(default_factory=free_port)
    _processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def start(self) -> "Cluster":
        for name in ("state", "spool", "munge"):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o755)
        self._write_configuration()
        self._start_munge()
        self.start_controller()
        self._start("slurmd", "-D", "-f", str(self.folder / "slurm.conf"))
        self.wait_until_idle()
        return self

    def start_controller(self) -> None:
        self._start("slurmctld", "-D", "-f", str(self.folder / "slurm.conf"))

    def stop_controller(self) -> None:
        process = self._processes["slurmctld"]
        process.terminate()
        process.wait(30)

    def stop(self) -> None:
        self.run("scancel", "--user=root", check=False)
        for process in reversed(self._processes.values()):
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def run(self, *command: str, check: bool = True) -> str:
        """The output of one of Slurm's programs."""
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stderr}"
        return done.stdout

    def jobs(self) -> list[Mapping[str, str]]:
        """Every job that it remembers, oldest first."""
        listed = self.run("squeue", "--states=all", "--noheader", "--sort=i", "--format=%i %T %r %j %P")
        names = ("id", "state", "reason", "name", "partition")
        return [dict(zip(names, line.split(), strict=False)) for line in listed.splitlines()]

    def job_of(self, execution_id: str, *states: str, seconds: float = 30) -> Mapping[str, str]:
        """The newest job of an execution, once it is in one of the states (default: any)."""
        deadline = time.monotonic() + seconds
        while True:
            found = [job for job in self.jobs() if execution_id in job["name"]]
            if found and (not states or found[-1]["state"] in states):
                return found[-1]
            assert time.monotonic() < deadline, (
                f"no job {states} of {execution_id}: {self.jobs()}\n{self.logs()}"
            )
            time.sleep(0.1)

    def wait_until_idle(self, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while self.run("sinfo", "-h", "-p", "batch", "-o", "%T", check=False).split() != ["idle"]:
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.1)

    def logs(self) -> str:
        files = sorted(self.folder.glob("*.log")) + sorted(self.folder.glob("*.out"))
        return "\n".join(f"{file.name}:\n{file.read_text(errors='replace')[-1500:]}" for file in files)

    def _write_configuration(self) -> None:
        values = {
            "host": socket.gethostname().partition(".")[0],
            "folder": self.folder,
            "controller_port": self.controller_port,
            "node_port": self.node_port,
            "scheduler": self.scheduler,
        }
        (self.folder / "slurm.conf").write_text(_CONFIGURATION.format(**values))
        # Any two character devices: what matters is that Slurm hands them out by number.
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        munge = self.folder / "munge"
        # In the foreground it ends with us; --force: the folder may lie below /tmp, which everybody may write to.
        self._start(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={munge}/socket",
            f"--pid-file={munge}/pid", f"--seed-file={munge}/seed", f"--log-file={self.folder}/munged.log",
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while not (munge / "socket").exists():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.05)

    def _start(self, program: str, *arguments: str) -> None:
        path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        assert path, program
        with (self.folder / f"{program}.out").open("ab") as output:
            self._processes[program] = subprocess.Popen(
                [path, *arguments], env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, cwd="/",
            )  # fmt: skip


def running_cluster(scheduler: str = PROMPT) -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="slurm-trial-"))
    folder.chmod(0o755)
    cluster = Cluster(folder, scheduler)
    try:
        yield cluster.start()
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    if MISSING:
        pytest.skip(f"Slurm is not installed: {', '.join(MISSING)}")
    if os.geteuid() != 0:
        pytest.skip("a Slurm of one's own needs root")
    yield from running_cluster()


__all__ = ["Cluster", "running_cluster", "slurm"]
