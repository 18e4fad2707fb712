"""What of the server's own environment variables an agent on the same host may have. Jobs may read its environment."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_NAMES = frozenset({
    "PATH", "HOME", "LANG", "TZ", "TMPDIR", "PYTHONPATH", "DOCKER_HOST", "XDG_CACHE_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
})  # fmt: skip
_PREFIXES = ("LC_", "PIP_", "CUDA_", "NVIDIA_")


def for_agents(given: Mapping[str, str]) -> dict[str, str]:
    """What programs need anywhere, and nothing that could be a secret of the server."""
    own = {name: value for name, value in given.items() if name in _NAMES or name.startswith(_PREFIXES)}
    return outside_virtual_environment(own)


def outside_virtual_environment(given: Mapping[str, str]) -> dict[str, str]:
    """A job's `python` must not be the platform's own, whose packages are none of the job's business."""
    programs = str(Path(sys.prefix) / "bin") if sys.prefix != sys.base_prefix else ""
    folders = [folder for folder in given.get("PATH", "").split(os.pathsep) if folder != programs]
    own = {name: value for name, value in given.items() if name != "VIRTUAL_ENV"}
    return {**own, "PATH": os.pathsep.join(folders)}
