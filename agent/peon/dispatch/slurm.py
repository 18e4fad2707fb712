"""A cluster run by Slurm, through its own programs: sbatch, squeue, scancel, sacct.

Every value is one argument of a list, or an environment variable; the script that Slurm is given is always the same.
"""

import math
import os
import pwd
import shutil
import subprocess
import sys
import uuid

import peon
from peon.config import ConfigurationError
from peon.dispatch import slurm_text
from peon.dispatch.base import Refused, Unavailable
from peon.protocol import slurm_options

SCRIPT = """#!/bin/sh
exec "$PEON_PYTHON" -m peon run --once "$PEON_MEMBER" --config "$PEON_CONFIG"
"""
PROGRAMS = ("sbatch", "squeue", "scancel")
SECONDS = 60
"""How long one of Slurm's programs may take."""
MARGIN_SECONDS = 600
"""What Slurm is asked for beyond the execution's own limit: outputs are stored after it."""
AGENT_MEGABYTES = 64
"""What the agent takes of the memory of its batch job, beside what the job asks for itself."""
WARNING_SECONDS = 120
"""So long before Slurm's own limit the agent is told, so that outputs can be stored."""
_TAIL_BYTES = 4096


class SlurmCluster:
    kind = "slurm"

    def __init__(self, settings, config_file):
        missing = [name for name in PROGRAMS if shutil.which(name) is None]
        if missing:
            raise ConfigurationError(
                "Slurm's programs are not on the PATH: {}. Run the dispatcher where jobs are submitted.".format(
                    ", ".join(missing)
                )
            )
        self._origins = {name: "peon {} {}".format(settings.app_url, name) for name in settings.queues}
        self._logs = settings.value("SLURM_LOGS") or os.path.join(settings.directory, "slurm-logs")
        os.makedirs(self._logs, exist_ok=True)
        self._config_file = settings.value("NODE_CONFIG") or os.path.abspath(config_file)
        self._python = settings.value("NODE_PYTHON") or sys.executable
        self._package = os.path.dirname(os.path.dirname(os.path.abspath(peon.__file__)))
        self._user = pwd.getpwuid(os.geteuid()).pw_name

    def describe(self):
        version = self._run(["sbatch", "--version"]).split()
        return {"slurm": version[-1] if version else ""}

    def submit(self, placement):
        said = self._run(
            self.sbatch_arguments(placement), SCRIPT, self._job_environment(placement), submits=True
        )
        handle = said.strip().splitlines()[-1].partition(";")[0] if said.strip() else ""
        if not handle.isdigit():
            raise Unavailable(
                "sbatch did not name a job: {}".format(said.strip()[:200] or "it printed nothing")
            )
        return handle

    def jobs(self):
        mark = uuid.uuid4().hex
        listed = self._run(
            [
                "squeue",
                "--user=" + self._user,
                "--states=all",
                "--noheader",
                "--format=" + slurm_text.squeue_format(mark),
            ]
        )
        return slurm_text.parse_squeue(listed, mark, frozenset(self._origins.values()))

    def ended(self, member):
        """None also where Slurm keeps no accounts."""
        try:
            told = self._run(
                ["sacct", "--name=" + slurm_text.job_name(member), "--starttime=now-7days", "--parsable2", "--noheader", "--allocations",
                 "--format=JobIDRaw,State,NodeList,JobName%80"]
            )  # fmt: skip
        except Unavailable:
            return None
        return slurm_text.parse_sacct(told)

    def cancel(self, handles):
        if handles:
            self._run(["scancel", "--quiet"] + list(handles))

    def words_of_waiting(self, job):
        return slurm_text.words_of_waiting(job)

    def words_of_end(self, job):
        return slurm_text.words_of_end(job, self._tail(job))

    def broke_limit(self, job):
        return slurm_text.broke_limit(job, self._tail(job))

    def forget(self, job):
        try:
            os.remove(self._log(job.handle))
        except OSError:
            pass  # it never began, or its output is on the node only

    def sbatch_arguments(self, placement):
        """Raises Refused when the platform asks for something that the dispatcher does not pass on."""
        configuration, resources = placement.configuration, placement.resources
        wrong = slurm_options.faults(configuration)
        if wrong:
            raise Refused("The Slurm settings of the environment cannot be used: {}".format(wrong[0][1]))
        arguments = [
            "sbatch", "--parsable", "--job-name=" + slurm_text.job_name(placement.member),
            "--comment=" + self._origins[placement.queue], "--output=" + self._log("%j"), "--open-mode=append",
            "--chdir=/", "--requeue", "--nodes=1", "--ntasks=1", "--signal=B:USR1@{}".format(WARNING_SECONDS),
        ]  # fmt: skip
        for name in ("partition", "account", "qos", "constraint", "reservation"):
            if configuration.get(name):
                arguments.append("--{}={}".format(name, configuration[name]))
        cpus = math.ceil(resources["cpus"]) if resources.get("cpus") else configuration.get("cpus")
        memory = configuration.get("memory_mb")
        if resources.get("memory_mb"):
            memory = resources["memory_mb"] + AGENT_MEGABYTES
        devices = resources.get("devices")
        gres = configuration.get("gres") if devices is None else gres_of(devices)
        minutes = minutes_of(placement.time_limit_seconds, configuration.get("time_limit_minutes"))
        given = (
            ("cpus-per-task", cpus),
            ("mem", "{}M".format(memory) if memory else None),
            ("gres", gres),
            ("time", minutes),
        )
        arguments.extend("--{}={}".format(name, value) for name, value in given if value)
        return arguments + list(configuration.get("extra") or [])

    def _job_environment(self, placement):
        return {
            "PEON_PYTHON": self._python,
            "PEON_MEMBER": placement.member,
            "PEON_CONFIG": self._config_file,
            "PYTHONPATH": self._package,
            "QUEUES": placement.queue,
        }

    def _log(self, handle):
        # Slurm fills in %j; a % of the folder's own is doubled for it.
        folder = self._logs.replace("%", "%%") if handle == "%j" else self._logs
        return os.path.join(folder, "{}.log".format(handle))

    def _tail(self, job):
        try:
            with open(self._log(job.handle), "rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - _TAIL_BYTES))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _run(self, command, text="", variables=None, submits=False):
        """What the program printed. With `submits`, a complaint that will not pass raises Refused."""
        try:
            done = subprocess.run(
                command, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS,
                env=dict(_environment(), **(variables or {})), cwd="/",
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unavailable("{} ran for more than {} seconds".format(command[0], SECONDS))
        except OSError as error:
            raise Unavailable("{} cannot be run: {}".format(command[0], error))
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace")
        complaint = done.stderr.decode("utf-8", "replace")
        words = slurm_text.clean_error(complaint)
        if submits and not slurm_text.will_pass(complaint):
            raise Refused("Slurm refuses the job: {}".format(words))
        raise Unavailable("Slurm does not take requests now: {}".format(words))


def gres_of(devices):
    """`{"nvidia.com/gpu": 2}` as `gpu:2`; the empty object asks for none."""
    parts = ["{}:{}".format(name.rpartition("/")[2], count) for name, count in sorted(devices.items())]
    gres = ",".join(parts)
    if gres and slurm_options.faults({"gres": gres}):
        raise Refused("Slurm has no devices of such a name: {}.".format(", ".join(sorted(devices))[:200]))
    return gres


def minutes_of(limit_seconds, most_minutes):
    """What Slurm is asked for: the execution's own limit and a margin, but no more than the environment allows."""
    if not limit_seconds:
        return most_minutes
    wanted = int(math.ceil((limit_seconds + MARGIN_SECONDS) / 60.0))
    return min(wanted, most_minutes) if most_minutes else wanted


def _environment():
    """Of Slurm's programs, and so of the agent on the node: no SBATCH_ or SLURM_ default of whoever started the dispatcher."""
    passed = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "SLURM_CONF", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
              "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")  # fmt: skip
    return {name: os.environ[name] for name in passed if name in os.environ}
