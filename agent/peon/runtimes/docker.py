"""The command in a container of a Docker Engine."""

import logging
import os
import shlex
import signal
import threading
import time

from peon.errors import JobFailed
from peon.job_folder import MOUNT_POINT
from peon.mounts import NFS
from peon.protocol.events import STDERR, STDOUT
from peon.runtimes.base import Exit, Running
from peon.runtimes.engine_api import EngineError, read_frames

logger = logging.getLogger(__name__)
WORKER_LABEL = "peon.worker"
EXECUTION_LABEL = "peon.execution"
_STREAMS = {1: STDOUT, 2: STDERR}
_PROGRESS_SECONDS = 5

# Process 1 of a container ignores signals it has no handler for, so that the command must not be it. The shell waits,
# and when it ends the kernel ends everything else.
_ENTRY = """trap : INT TERM
if [ -n "$PEON_DIRECT" ]; then unset PEON_DIRECT; {script}
elif command -v bash >/dev/null 2>&1; then bash {script}
else sh {script}
fi
exit $?"""


class DockerRuntime:
    name = "docker"
    unit = "container"
    mount_point = MOUNT_POINT

    def __init__(self, engine, worker_id, engine_facts, gpus):
        self._engine = engine
        self._worker_id = worker_id
        self._gpus = gpus
        self._facts = {
            "engine": engine_facts.get("Version", ""),
            "system": engine_facts.get("KernelVersion", ""),
        }

    def describe(self):
        return dict(self._facts)

    def remove_leftovers(self):
        for container in self._engine.containers_with_label("{}={}".format(WORKER_LABEL, self._worker_id)):
            self._engine.remove(container)

    def remove_unused_images(self):
        try:
            return self._engine.prune_images()
        except EngineError as error:
            logger.warning("unused images could not be removed: %s", error)
            return [], 0

    def prepare(self, job, say, check):
        image = job.image
        if not image:
            raise JobFailed("The execution names no image, and this worker runs jobs in containers.")
        try:
            if not job.controls.no_image_cache and self._engine.image(image) is not None:
                say("image {} found in cache".format(image))
                return
            say("pulling image {} ...".format(image))
            self._pull(image, say, check)
        except EngineError as error:
            raise JobFailed("The image '{}' cannot be pulled: {}".format(image, error))
        say("image {} pulled".format(image))

    def start(self, job, sink):
        try:
            return self._start(job, sink)
        except EngineError as error:
            raise JobFailed("The container could not be started: {}".format(error))

    def close(self):
        """Nothing is held open."""

    def _pull(self, image, say, check):
        layers, told_at = {}, time.monotonic()
        for message in self._engine.pull(image):
            check()
            if message.get("id") and message.get("status"):
                layers[message["id"]] = message["status"]
            if time.monotonic() - told_at > _PROGRESS_SECONDS:
                told_at = time.monotonic()
                done = sum(status in ("Pull complete", "Already exists") for status in layers.values())
                say("pulling image {}: {} of {} layers".format(image, done, len(layers)))

    def _start(self, job, sink):
        digest = (self._engine.image(job.image) or {}).get("Id", "")
        name = "peon-{}-{}".format(job.execution_id, os.urandom(3).hex())
        container = self._engine.create_container(name, self._configuration(job))
        try:
            attached = self._engine.attach(container)
            self._engine.start(container)
        except EngineError:
            self._engine.remove(container)
            raise
        return ContainerRunning(
            self._engine, container, attached, sink, {"image": job.image, "image_digest": digest}
        )

    def _configuration(self, job):
        script = os.path.join(MOUNT_POINT, job.script)
        variables = dict({"PYTHONUNBUFFERED": "1", "HOME": MOUNT_POINT + "/.home"}, **job.variables)
        with open(job.folder.host(job.script), "rb") as file:
            if file.read(2) == b"#!":
                variables["PEON_DIRECT"] = "1"
        ports = [port if "/" in port else port + "/tcp" for port in job.controls.expose_ports]
        return {
            "Image": job.image,
            "Entrypoint": ["sh", "-c", _ENTRY.format(script=shlex.quote(script))],
            "Cmd": [],
            "WorkingDir": MOUNT_POINT + "/repository",
            "User": "0:0",
            "Env": ["{}={}".format(name, value) for name, value in variables.items()],
            "Labels": {WORKER_LABEL: self._worker_id, EXECUTION_LABEL: job.execution_id},
            "ExposedPorts": {port: {} for port in ports},
            "HostConfig": dict(
                _limits(job.controls),
                DeviceRequests=self._gpus.device_requests(),
                Binds=_binds(job),
                Mounts=[_mount(mount) for mount in job.mounts],
                NetworkMode=job.controls.docker_network or "default",
                PortBindings={port: [{"HostPort": port.partition("/")[0]}] for port in ports},
                # The agent reads the output itself; a second copy on the engine's disk would only grow.
                LogConfig={"Type": "none", "Config": {}},
                ShmSize=1 << 30,
            ),
        }


class ContainerRunning(Running):
    def __init__(self, engine, container, attached, sink, facts):
        self._engine = engine
        self._container = container
        self._exit = None
        self._ended = threading.Event()
        self.facts = dict(facts, container=container[:12])
        self._reader = threading.Thread(
            target=self._read, args=attached + (sink,), name="output", daemon=True
        )
        self._reader.start()
        self._waiter = threading.Thread(target=self._wait_for_end, name="container-wait", daemon=True)
        self._waiter.start()
        self._failure = None

    def wait(self, seconds):
        if not self._ended.wait(seconds):
            return None
        if self._failure is not None:
            raise self._failure
        return self._exit

    def signal(self, number):
        try:
            if number == signal.SIGKILL:
                self._engine.kill(self._container)
            else:
                # To every process but the waiting shell, as a terminal would send it to the whole foreground.
                name = {signal.SIGINT: "INT", signal.SIGTERM: "TERM"}[number]
                self._engine.execute(self._container, ["sh", "-c", "kill -{} -1".format(name)])
        except EngineError as error:
            if error.status not in (404, 409):
                raise  # those mean that it has ended meanwhile

    def usage(self):
        try:
            stats = self._engine.stats(self._container)
            memory = stats["memory_stats"]
            cached = memory.get("stats", {}).get(
                "inactive_file", memory.get("stats", {}).get("total_inactive_file", 0)
            )
            return {
                "cpu_seconds": stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9,
                "memory_kb": max(0, memory["usage"] - cached) // 1024,
                "memory_limit_kb": memory["limit"] // 1024,
            }
        except (EngineError, KeyError, TypeError):
            return None

    def close(self):
        try:
            self._engine.remove(self._container)
        except EngineError:
            pass  # it is removed with the leftovers at the agent's next start

    def _wait_for_end(self):
        try:
            code = self._engine.wait(self._container)
            # Output ends with the container; a moment for what is on its way.
            self._reader.join(60)
            state = self._engine.inspect(self._container)["State"]
            self._exit = Exit(code, bool(state.get("OOMKilled")))
        except Exception as error:
            self._failure = error
        self._ended.set()

    def _read(self, stream, answer, sink):
        try:
            for number, data in read_frames(stream, answer):
                sink.write(_STREAMS.get(number, STDOUT), data)
        except OSError:
            pass  # the engine ended; waiting for the container says so
        finally:
            sink.close()
            stream.close()


def _binds(job):
    files = job.folder.files
    binds = ["{}:{}".format(files, MOUNT_POINT)]
    for path in job.read_only:
        binds.append("{}:{}:ro".format(job.folder.host(os.path.relpath(path, MOUNT_POINT)), path))
    return binds


def _mount(mount):
    """A share is a volume of the engine that is removed with the container: the engine mounts it, and not this process."""
    if mount.file_system is None:
        return {
            "Type": "bind",
            "Source": mount.source,
            "Target": mount.destination,
            "ReadOnly": mount.readonly,
            "BindOptions": {"Propagation": "rprivate"},
        }
    options = {
        "type": mount.file_system,
        "device": ":" + mount.path if mount.kind == NFS else mount.source,
        "o": mount.option_text("addr=" + mount.host, "ro" if mount.readonly else "rw"),
    }
    return {
        "Type": "volume",
        "Target": mount.destination,
        "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": options}},
    }


def _limits(controls):
    chosen, count, memory = controls.cpu_set(), controls.cpu_count(), controls.memory_bytes()
    limits = {"Memory": memory, "MemorySwap": memory} if memory else {}
    if chosen is not None:
        return dict(limits, CpusetCpus=",".join(str(core) for core in chosen))
    return dict(limits, NanoCpus=int(count * 1000000000)) if count else limits
