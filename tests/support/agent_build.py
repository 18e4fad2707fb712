"""The agent as one file, from the packages that pip fetches once per machine."""

import atexit
import hashlib
import os
import runpy
import shutil
import tempfile
from functools import cache
from pathlib import Path

AGENT = Path(__file__).resolve().parents[2] / "agent"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "peon-test-environments"


def wheels() -> Path:
    key = hashlib.sha256((AGENT / "bundle.txt").read_bytes()).hexdigest()[:12]
    folder = CACHE / f"bundle-{key}"
    if not folder.is_dir():
        unfinished = CACHE / f"bundle-{key}.{os.getpid()}"
        runpy.run_path(str(AGENT / "build.py"))["fetch"](unfinished)
        unfinished.rename(folder)
    return folder


@cache
def packed_agent() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="peon-build-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(runpy.run_path(str(AGENT / "build.py"))["pack"](wheels(), folder))
