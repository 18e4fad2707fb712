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


class Gpus:
    """What jobs of this agent see: `index` is the one that is theirs, None when all are."""

    def __init__(self, found, index):
        self.found = found
        self.index = index

    @property
    def facts(self):
        """For the worker's description."""
        return {"gpus": self.found, "gpu_index": self.index, "gpu_count": len(self.of_a_job())}

    def of_a_job(self):
        return [gpu for gpu in self.found if self.index in (None, gpu["index"])]

    def variables(self):
        """Of a job that runs as a process. Nothing is said where a job may see all, or there are none."""
        if self.index is None:
            return {}
        return {"CUDA_VISIBLE_DEVICES": str(self.index), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}

    def device_requests(self):
        """Of a container."""
        if not self.of_a_job():
            return []
        chosen = {"Count": -1} if self.index is None else {"DeviceIDs": [str(self.index)]}
        return [dict({"Driver": "nvidia", "Capabilities": [["gpu"]]}, **chosen)]
