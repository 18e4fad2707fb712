"""What a runtime offers to a job.

A runtime has `name`, `unit` (what its log lines call what runs), `mount_point` (where jobs see their folder; None when it is seen where it lies) and

    describe() -> dict            facts for the server and the `info` event
    remove_leftovers()            end what jobs of a killed agent left behind
    remove_unused_images()        ([names], bytes removed), when the disk is nearly full
    prepare(job, say, check)      get the image; `say` writes a status line, `check` raises when the job is to end.
                                  Raises JobFailed
    start(job, sink) -> Running   start the command; its output goes to `sink.write(stream, data)`, with `sink.idle()`
                                  in pauses and `sink.close()` at the end. Raises JobFailed
    close()                       before the agent ends

where `job` is a `Launch`.
"""

from peon.config import ConfigurationError, size_in_bytes
from peon.errors import JobFailed

LEAST_MEMORY_BYTES = 16 << 20


class Launch:
    """What a runtime needs to know to run one command."""

    def __init__(self, execution_id, folder, image, variables, read_only, script, controls, mounts=()):
        self.execution_id = execution_id
        self.folder = folder
        self.image = image
        self.variables = variables
        self.read_only = read_only  # paths as the job sees them
        self.script = script  # the command's file, relative to the job's folder
        self.controls = controls
        self.mounts = mounts  # `peon.mounts.Mount`s beside its own files


class Running:
    """A command that runs, or has run. `facts` go into the `info` event."""

    def wait(self, seconds):
        """The `Exit` when it has ended within `seconds`, else None."""
        raise NotImplementedError

    def signal(self, number):
        """Send a signal to the command and what it started."""
        raise NotImplementedError

    def usage(self):
        """Resource use now: {"cpu_seconds", "memory_kb", ...}; None when it cannot be read."""
        raise NotImplementedError

    def close(self):
        """Forget it; after its end."""


class Exit:
    """How a command ended."""

    def __init__(self, code, out_of_memory=False):
        self.code = code
        self.out_of_memory = out_of_memory


class Controls:
    """The variables by which a job steers its agent; only those defined on the execution count."""

    def __init__(self, variables):
        self.no_data_cache = _is_true(variables.get("VH_NO_DATA_CACHE"))
        self.no_image_cache = _is_true(variables.get("VH_NO_IMAGE_CACHE"))
        self.clean = _is_true(variables.get("VH_CLEAN"))
        self.cpu_limit = variables.get("VH_CPU_LIMIT", "").strip()
        self.memory_limit = variables.get("VH_MEMORY_LIMIT", "").strip()
        self.docker_network = variables.get("VH_DOCKER_NETWORK", "").strip()
        self.expose_ports = [
            port.strip() for port in variables.get("VH_EXPOSE_PORTS", "").split(",") if port.strip()
        ]

    def cpu_set(self):
        """`0,2,4` as [0, 2, 4]; None when it is a count or absent. Raises JobFailed."""
        if "," not in self.cpu_limit:
            return None
        return [self._number(int, core) for core in self.cpu_limit.split(",") if core.strip()]

    def cpu_count(self):
        """`2` or `1.5` as a number; None when it is a set or absent. Raises JobFailed."""
        if not self.cpu_limit or "," in self.cpu_limit:
            return None
        return self._number(float, self.cpu_limit) or None

    def memory_bytes(self):
        """`4G`, `500M` or bytes as a number; None when there is no limit. Raises JobFailed."""
        if not self.memory_limit:
            return None
        try:
            size = size_in_bytes("VH_MEMORY_LIMIT", self.memory_limit)
        except ConfigurationError as error:
            raise JobFailed(str(error))
        if size < LEAST_MEMORY_BYTES:
            raise JobFailed("VH_MEMORY_LIMIT is '{}': a job needs 16M at least.".format(self.memory_limit))
        return size

    def _number(self, kind, text):
        try:
            number = kind(text)
            if number >= 0:
                return number
        except ValueError:
            pass
        raise JobFailed(
            "VH_CPU_LIMIT is '{}': write a number of cores, or core numbers separated by commas.".format(
                self.cpu_limit
            )
        )


def _is_true(text):
    return (text or "").strip().lower() in ("1", "yes", "true")
