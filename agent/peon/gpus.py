"""The GPUs of the host, as NVIDIA's tool tells them."""

import subprocess

_QUERY = ["nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits"]


class GpuError(Exception):
    """The tool is there and does not work; the message is its own."""


def find_gpus():
    """[{"index", "name", "memory_mb"}]; empty where there is no such tool. Raises GpuError."""
    try:
        done = subprocess.run(
            _QUERY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return []
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GpuError("nvidia-smi does not answer: {}".format(error))
    text = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode:
        raise GpuError(
            "nvidia-smi says: {}".format(text[-300:] or "nothing, exit code {}".format(done.returncode))
        )
    return [_gpu(line) for line in text.splitlines() if line.strip()]


def _gpu(line):
    index, name, memory = [part.strip() for part in line.split(",")]
    # Some kinds share the host's memory and have none of their own to tell.
    return {"index": int(index), "name": name, "memory_mb": int(memory) if memory.isdigit() else None}
