"""Rows in a running installation that no page makes yet, or that take many steps to make: written by the factories."""

import os
import subprocess
import sys

from tests.support.live import CHECKOUT, NOT_INHERITED, LivePlatform


def write_rows(platform: LivePlatform, code: str) -> str:
    """Run `code`, which sees the module `factories`, against the installation's database; what it prints."""
    environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    environment |= {
        "DATABASE_URL": platform.database_url,
        "REDIS_URL": platform.redis_url,
        "DATA_DIR": str(platform.data),
        "SECRET_KEY": "of-a-process-that-only-writes-rows-for-tests",
        "DJANGO_SETTINGS_MODULE": "valohai_app.settings",
    }
    preamble = "import django; django.setup()\nfrom tests.support import factories\n"
    finished = subprocess.run(
        [sys.executable, "-c", preamble + code],
        cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-4000:]
    return finished.stdout.strip()
