"""The command as a process of this host, in namespaces of its own where the kernel allows it."""

import fcntl
import math
import os
import platform
import shutil
import socket
import subprocess
import sys
import threading

import peon
from peon import memory_kills
from peon.errors import JobFailed
from peon.job_folder import MOUNT_POINT
from peon.runtimes import launcher
from peon.runtimes.base import Exit, Running
from peon.runtimes.output_pump import OutputPump
from peon.runtimes.python_env import PythonEnvironment

PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031
_PASSED_ON = (
    "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK",
)  # fmt: skip
_PASSED_ON_PREFIXES = ("PIP_", "SLURM_")  # an operator's package index; what Slurm has given the job
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ProcessRuntime:
    name = "process"
    unit = "process"

    def __init__(self, directory, cache_directory, job_python, gpus):
        self._gpus = gpus
        self._launcher = None
        self._lock = threading.Lock()
        self.isolation_refused = self._helper().probe()
        self.mount_point = None if self.isolation_refused else MOUNT_POINT
        self._python = PythonEnvironment(
            os.path.join(cache_directory, "python"), os.path.join(directory, "pip"), job_python
        )

    def describe(self):
        return {
            "isolation": "directories" if self.isolation_refused else "namespaces",
            "system": platform.platform(),
        }

    def remove_leftovers(self):
        """Nothing: the launcher of a killed agent ends its jobs with it."""

    def remove_unused_images(self):
        return [], 0

    def prepare(self, job, say, check):
        if self.isolation_refused:
            say(
                "this host's kernel gives the job no private {} ({}): use the VH_*_DIR variables".format(
                    MOUNT_POINT, self.isolation_refused
                )
            )
            if job.mounts:
                raise JobFailed(
                    "This host's kernel gives jobs no file system of their own, so that nothing can be mounted."
                )
        if job.image:
            say("image {} is not used: the job runs as a process of this host".format(job.image))
        self._python.create(job.folder)

    def start(self, job, sink):
        return self._helper().start(self._order(job), sink)

    def _order(self, job):
        """What the launcher is told."""
        variables = self._variables(job)
        return {
            "do": "start",
            "argv": _argv(job.folder, job.script, variables["PATH"]),
            "env": variables,
            "cwd": job.folder.seen("repository"),
            "cpus": _cores(job.controls),
            "memory_bytes": job.controls.memory_bytes(),
            "root": None if self.isolation_refused else job.folder.root,
            "folder": job.folder.files,
            "mount_point": MOUNT_POINT,
            "read_only": job.read_only,
            "mounts": [mount.as_order() for mount in job.mounts],
        }

    def _variables(self, job):
        passed = {
            name: value
            for name, value in os.environ.items()
            if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
        }
        base = {
            "HOME": job.folder.seen(".home"),
            "TMPDIR": job.folder.seen(".tmp"),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "USER": os.environ.get("USER", "root" if os.geteuid() == 0 else "peon"),
            "SHELL": "/bin/sh",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            # Into a pipe Python would keep lines back until 8 KiB have come together; a live log wants each at once.
            "PYTHONUNBUFFERED": "1",
        }
        path = self._python.path(job.folder, _path_of_the_host())
        own = {"PATH": path, "VIRTUAL_ENV": job.folder.seen(".python")}
        return dict(base, **dict(passed, **dict(own, **dict(job.variables, **self._gpus.variables()))))

    def _helper(self):
        with self._lock:
            if self._launcher is None or not self._launcher.is_alive():
                self._launcher = LauncherProcess()
            return self._launcher

    def close(self):
        if self._launcher is not None:
            self._launcher.close()


class LauncherProcess:
    """The agent's end of the launcher."""

    def __init__(self):
        ours, theirs = socket.socketpair()
        package_root = os.path.dirname(os.path.dirname(os.path.abspath(peon.__file__)))
        start = (
            "import sys; sys.path.insert(0, sys.argv.pop(1)); from peon.runtimes.launcher import main; main()"
        )
        # Without site: it needs the standard library only, and each job's keeper carries its memory.
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", start, package_root, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._connection = ours

    def is_alive(self):
        return self._process.poll() is None

    def probe(self):
        launcher.send(self._connection, {"do": "probe"})
        return self._expect("isolation")["isolation"]

    def start(self, order, sink):
        (out_reader, out_writer), (err_reader, err_writer) = _pipe(), _pipe()
        try:
            launcher.send(self._connection, order, [out_writer, err_writer])
            answer = self._expect("started", "failed")
        finally:
            os.close(out_writer)
            os.close(err_writer)
        pump = OutputPump({out_reader: "o", err_reader: "e"}, sink)
        if "failed" in answer:
            pump.close()
            raise JobFailed("The command could not be started: {}".format(answer["failed"]))
        pump.start()
        return ProcessRunning(self, answer["started"], pump, isolated=bool(order["root"]))

    def signal(self, number):
        launcher.send(self._connection, {"do": "signal", "number": number})

    def exit_within(self, seconds):
        """The command's exit code, or None. Raises ConnectionError when the launcher was killed."""
        self._connection.settimeout(seconds)
        try:
            return self._expect("exited")["exited"]
        except socket.timeout:
            return None
        finally:
            self._connection.settimeout(None)

    def close(self):
        self._connection.close()
        self._process.wait()

    def _expect(self, *names):
        message, _ = launcher.receive(self._connection)
        if message is None:
            raise ConnectionError("the launcher process ended")
        if not any(name in message for name in names):
            raise ConnectionError("the launcher process answered {}".format(message))
        return message


class ProcessRunning(Running):
    facts = {}

    def __init__(self, helper, pid, pump, isolated):
        self._isolated = isolated
        self._helper = helper
        self._pump = pump
        self._exit = None
        self._memory_kills = memory_kills.count()
        self.pid = pid

    def wait(self, seconds):
        if self._exit is None:
            code = self._helper.exit_within(seconds)
            if code is None:
                return None
            # Every process of the job is dead, so that what is left in the pipes is all there will be.
            self._pump.finish()
            # A command that ended well went on without what was killed.
            was_killed = code != 0 and memory_kills.count() != self._memory_kills
            self._exit = Exit(code, out_of_memory=was_killed)
        return self._exit

    def signal(self, number):
        if self._exit is None:
            self._helper.signal(number)

    def usage(self):
        from peon.process_usage import usage_of_tree

        # Of an isolated job the first two processes are the launcher's.
        return usage_of_tree(self.pid, skip=2 if self._isolated else 0)


def _path_of_the_host():
    """The agent's PATH without the programs of the agent's own virtual environment."""
    own = os.path.join(sys.prefix, "bin") if sys.prefix != sys.base_prefix else None
    folders = (os.environ.get("PATH") or _USUAL_PATH).split(":")
    return ":".join(folder for folder in folders if folder != own) or _USUAL_PATH


def _pipe():
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(writer, _F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        pass  # over the user's limit: a smaller pipe only means more turns
    return reader, writer


def _argv(folder, script, path):
    with open(folder.host(script), "rb") as file:
        if file.read(2) == b"#!":
            return [folder.seen(script)]
    shell = shutil.which("bash", path=path) or shutil.which("sh", path=path) or "/bin/sh"
    return [shell, folder.seen(script)]


def _cores(controls):
    chosen, count = controls.cpu_set(), controls.cpu_count()
    available = sorted(os.sched_getaffinity(0))
    if chosen is not None:
        return [core for core in chosen if core in available] or available
    return available[: int(math.ceil(count))] if count else None
