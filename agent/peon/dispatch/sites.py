"""Where an agent for one job runs: inside which cluster's job, and why that is about to end.

A site has `name` (a folder's name, unlike those of other jobs on the machine), `identity` (the worker's), `facts` for the server,
and `why_it_ends()`, asked when the cluster has sent a signal: the reason, and whether a limit of the cluster's is reached.
"""

import os
import re
import shutil
import socket
import subprocess
import time

from peon.dispatch import slurm_text

_ASK_SECONDS = 4
_TAIL_BYTES = 4096
_FACTS = {
    "slurm_job": "SLURM_JOB_ID", "slurm_cluster": "SLURM_CLUSTER_NAME", "slurm_node": "SLURMD_NODENAME",
    "slurm_partition": "SLURM_JOB_PARTITION", "slurm_account": "SLURM_JOB_ACCOUNT", "slurm_qos": "SLURM_JOB_QOS",
    "slurm_devices": "SLURM_JOB_GPUS", "slurm_restarts": "SLURM_RESTART_COUNT",
}  # fmt: skip


def site_of(environ):
    """The site that the environment variables tell of."""
    return SlurmSite(environ) if environ.get("SLURM_JOB_ID") else PlainSite()


class PlainSite:
    """No cluster: somebody ran the agent for one job by hand."""

    facts = {}

    def __init__(self):
        self.name = "process-{}".format(os.getpid())
        self.identity = "{}-once".format(socket.gethostname())

    def why_it_ends(self):
        return "The worker was told to stop.", False


class SlurmSite:
    def __init__(self, environ):
        self._handle = environ["SLURM_JOB_ID"]
        node = environ.get("SLURMD_NODENAME") or socket.gethostname()
        self.name = "slurm-{}".format(re.sub(r"[^A-Za-z0-9_.-]", "", self._handle))
        # Of the node, not of the job: a row per node is what whoever looks at the fleet wants.
        self.identity = "slurm-{}-{}".format(environ.get("SLURM_CLUSTER_NAME", "cluster"), node)[:128]
        self.facts = {fact: environ[name] for fact, name in _FACTS.items() if environ.get(name)}

    def why_it_ends(self):
        fields = slurm_text.fields_of_job(_scontrol_show(self._handle))
        fields.setdefault("JobId", self._handle)
        return slurm_text.why_slurm_ends_it(
            fields, _seconds_until(fields.get("EndTime", ""), fields.get("TimeLimit", "")), _own_output()
        )


def _scontrol_show(handle):
    """Empty when nothing is to be had in time."""
    program = shutil.which("scontrol")
    if program is None:
        return ""
    try:
        return subprocess.run(
            [program, "--oneliner", "show", "job", handle], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=_ASK_SECONDS,
        ).stdout.decode("utf-8", "replace")  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _own_output():
    """The end of the file that this process writes its log into, as Slurm does beside it; empty when it is no file."""
    try:
        with open("/proc/self/fd/2", "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _seconds_until(end, limit):
    """Slurm writes local time without a zone."""
    if limit in ("", "UNLIMITED"):
        return None
    try:
        return time.mktime(time.strptime(end, "%Y-%m-%dT%H:%M:%S")) - time.time()
    except ValueError:
        return None
