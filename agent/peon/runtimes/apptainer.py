"""The command in a container of Apptainer (or Singularity): for clusters, where users have no Docker Engine.

Images are converted once and kept in the cache folder as one file each, which jobs of every agent of the host use.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import uuid

from peon.errors import JobFailed
from peon.job_folder import MOUNT_POINT
from peon.mounts import HOST
from peon.retries import LOOK_SECONDS
from peon.runtimes.process import ProcessRuntime

PROGRAMS = ("apptainer", "singularity")
_SCHEMES = ("docker://", "oras://", "library://", "shub://", "https://", "http://")
_FILE = ".sif"
_SHELL = 'if command -v bash >/dev/null 2>&1; then exec bash "$0"; else exec sh "$0"; fi'


def find_program():
    """The path of the program, or None."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


class ApptainerRuntime(ProcessRuntime):
    name = "apptainer"
    unit = "container"

    def __init__(self, program, directory, cache_directory, job_python, gpus):
        super().__init__(directory, cache_directory, job_python, gpus)
        # The container shows the folder there, whatever the kernel allows to a process of the host.
        self.mount_point = MOUNT_POINT
        self._program = program
        self._images = os.path.join(cache_directory, "images")

    def describe(self):
        return dict(super().describe(), isolation="container", apptainer=os.path.basename(self._program))

    def prepare(self, job, say, check):
        if not job.image:
            raise JobFailed("The execution names no image, and this worker runs jobs in containers.")
        for mount in job.mounts:
            _check_mount(mount)
        path = self._image_file(job.image)
        if _is_of_the_machine(job.image):
            if not os.path.exists(path):
                raise JobFailed("The image '{}' is no file on this machine.".format(job.image))
        elif os.path.exists(path) and not job.controls.no_image_cache:
            say("image {} found in cache".format(job.image))
        else:
            say("pulling image {} ...".format(job.image))
            self._pull(job.image, path, check)
            say("image {} pulled".format(job.image))

    def _image_file(self, image):
        """Where its file is, or is going to be."""
        if _is_of_the_machine(image):
            return image
        return os.path.join(self._images, hashlib.sha256(image.encode()).hexdigest() + _FILE)

    def _pull(self, image, path, check):
        os.makedirs(self._images, exist_ok=True)
        source = image if image.startswith(_SCHEMES) else "docker://" + image
        # A name of its own: two jobs may pull the same at once, also on two machines that share the folder.
        unfinished = "{}.{}".format(path, uuid.uuid4().hex)
        pulling = subprocess.Popen(
            [self._program, "--quiet", "pull", "--force", unfinished, source],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            said = _wait(pulling, check)
            if pulling.returncode != 0:
                raise JobFailed(
                    "The image '{}' cannot be pulled: {}".format(image, said[-500:] or "no reason given")
                )
            os.rename(unfinished, path)
        finally:
            if pulling.poll() is None:
                os.killpg(pulling.pid, signal.SIGKILL)
                pulling.wait()
            if os.path.exists(unfinished):
                os.remove(unfinished)

    def _order(self, job):
        """The container's program is the process; what it runs sees the job's folder, and nothing of the host's."""
        order = super()._order(job)
        environment = order["env"]
        passed = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": job.folder.host(".home"),
            "LANG": "C.UTF-8",
        }
        inside = {
            name: text for name, text in environment.items() if name not in ("PATH", "VIRTUAL_ENV", "SHELL")
        }
        passed.update(("APPTAINERENV_" + name, text) for name, text in inside.items())
        passed.update(("SINGULARITYENV_" + name, text) for name, text in inside.items())
        return dict(
            order,
            argv=self._argv(job),
            env=passed,
            cwd=job.folder.host("repository"),
            root=None,
            read_only=[],
            mounts=[],
        )

    def _argv(self, job):
        command = [self._program, "--quiet", "exec", "--containall", "--no-home", "--writable-tmpfs", "--cleanenv",
                   "--pwd", job.folder.seen("repository"), "--bind", "{}:{}".format(job.folder.files, MOUNT_POINT)]  # fmt: skip
        for path in job.read_only:
            host = job.folder.host(os.path.relpath(path, MOUNT_POINT))
            command.extend(["--bind", "{}:{}:ro".format(host, path)])
        for mount in job.mounts:
            mode = "ro" if mount.readonly else "rw"
            command.extend(["--bind", "{}:{}:{}".format(mount.source, mount.destination, mode)])
        if os.environ.get("CUDA_VISIBLE_DEVICES"):
            command.append("--nv")
        script = job.folder.seen(job.script)
        with open(job.folder.host(job.script), "rb") as file:
            has_interpreter = file.read(2) == b"#!"
        return (
            command
            + [self._image_file(job.image)]
            + ([script] if has_interpreter else ["sh", "-c", _SHELL, script])
        )


def _check_mount(mount):
    """A share is mounted by whoever runs the machine: Apptainer's users may not."""
    if mount.kind != HOST:
        raise JobFailed(
            "{} cannot be mounted: containers of Apptainer mount directories only.".format(mount.source)
        )
    if set(":,") & set(mount.source + mount.destination):
        raise JobFailed("{} cannot be mounted: its path has a colon or a comma.".format(mount.source))


def _is_of_the_machine(image):
    """A cluster's administrators often keep images as files on a file system that all nodes share."""
    return image.startswith("/") and image.endswith(_FILE)


def _wait(process, check):
    """What it said on stderr, once it has ended; `check` raises when the job is to end."""
    while True:
        try:
            return process.communicate(timeout=LOOK_SECONDS)[1].decode("utf-8", "replace").strip()
        except subprocess.TimeoutExpired:
            check()
