"""Looks at the machine itself."""

import importlib
import os
import platform
import shutil
import sys
import tempfile

from peon.config import ConfigurationError
from peon.doctor.findings import FAILED, OK, WARNING, Finding
from peon.gpus import GpuError, find_gpus
from peon.runtimes.choice import make_runtime
from peon.runtimes.engine_api import EngineApi, EngineError
from peon.sizes import size_text

_TOOLKIT = "Install NVIDIA's container toolkit, run `nvidia-ctk runtime configure --runtime=docker`, and restart Docker."


def look_at_python():
    version = "{} ({})".format(platform.python_version(), sys.executable)
    if sys.version_info < (3, 6):
        return Finding(FAILED, "Python", version + " is too old.", "Install Python 3.6 or newer.")
    missing = [name for name in ("ssl", "zlib") if not _has(name)]
    if missing:
        return Finding(
            FAILED,
            "Python",
            "{} lacks {}.".format(version, ", ".join(missing)),
            "Install the system's whole Python.",
        )
    return Finding(OK, "Python", version)


def look_at_runtime(settings):
    try:
        runtime = make_runtime(settings, "doctor")
    except ConfigurationError as error:
        yield Finding(
            FAILED,
            "Docker",
            str(error),
            "Start Docker, let the agent's user use {}, or set RUNTIME=process.".format(settings.docker_host),
        )
        return
    try:
        facts = runtime.describe()
        if runtime.name == "docker":
            yield Finding(OK, "Docker", "version {}".format(facts["engine"]))
            return
        text = "jobs are processes of this machine, isolation by {}".format(facts["isolation"])
        if facts["isolation"] == "namespaces":
            yield Finding(OK, "runtime", text)
        else:
            yield Finding(
                WARNING,
                "runtime",
                "{}: {}".format(text, runtime.isolation_refused),
                "Run the agent as root, or allow user namespaces, so that jobs get a /valohai of their own.",
            )
    finally:
        runtime.close()


def look_at_gpus(settings):
    try:
        gpus = find_gpus()
    except GpuError as error:
        yield Finding(
            FAILED, "GPU", str(error), "Install the driver that fits the kernel, or restart the machine."
        )
        return
    if not gpus:
        if settings.gpu_index is not None:
            yield Finding(
                FAILED,
                "GPU",
                "this agent is to use GPU {}, and there is none".format(settings.gpu_index),
                "Install NVIDIA's driver, or set SINGLE_GPU_PER_PEON=false.",
            )
        else:
            yield Finding(OK, "GPU", "none")
        return
    text = "{} x {}".format(len(gpus), gpus[0]["name"])
    if settings.gpu_index is not None and settings.gpu_index not in [gpu["index"] for gpu in gpus]:
        yield Finding(
            FAILED,
            "GPU",
            "{}; this agent is to use GPU {}".format(text, settings.gpu_index),
            "Start one agent less, or look with nvidia-smi for the GPU that is missing.",
        )
        return
    yield _gpus_in_docker(settings, text)


def _gpus_in_docker(settings, text):
    if settings.runtime == "process":
        return Finding(OK, "GPU", text)
    try:
        runtimes = EngineApi(settings.docker_host).info().get("Runtimes") or {}
    except EngineError:
        return Finding(OK, "GPU", text)  # without Docker jobs are processes, and see what the machine has
    if "nvidia" in runtimes:
        return Finding(OK, "GPU", text + ", Docker can use them")
    return Finding(
        FAILED, "GPU", text + ", but Docker has no runtime for them: jobs will not see them", _TOOLKIT
    )


def look_at_disk(settings):
    for what, folder in (("disk", settings.directory), ("cache disk", settings.cache_directory)):
        if what == "cache disk" and _device(folder) == _device(settings.directory):
            continue
        yield _disk(what, folder, settings.disk_free_min)
    if _device(settings.cache_directory) != _device(settings.directory):
        yield Finding(
            WARNING,
            "cache disk",
            "{} and {} are on different file systems: cached files are copied into jobs".format(
                settings.cache_directory, settings.directory
            ),
            "Put CACHE_DIR and PEON_DIR on one file system.",
        )


def _disk(what, folder, free_min):
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        return Finding(
            FAILED,
            what,
            "{} cannot be written: {}".format(folder, error.strerror),
            "Give the agent's user the right, or make room.",
        )
    usage = shutil.disk_usage(folder)
    text = "{} of {} free at {}".format(size_text(usage.free), size_text(usage.total), folder)
    if usage.free < free_min.bytes_of(usage.total):
        return Finding(
            WARNING,
            what,
            "{}, less than DISK_FREE_MIN ({})".format(text, free_min),
            "The agent cleans its caches and unused images before a job; if that is not enough, make room.",
        )
    return Finding(OK, what, text)


def _device(folder):
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return os.stat(folder).st_dev


def _has(module):
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
