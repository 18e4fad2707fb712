"""The executions list of a project with 100,000 of them: time of a page, and how many queries it takes."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

from bench.figures import Figure, Reference, percentile
from bench.running import project_with, rest_of, running_platform
from tests.support.live import CHECKOUT, LivePlatform, static_folder

ROWS = 100_000
REQUESTS = 200
CODE = {"valohai.yaml": "- step: {name: now, image: none, command: date}\n"}


def measure() -> Iterator[Figure]:
    with running_platform() as platform:
        rest = rest_of(platform)
        project, commit = project_with(rest, "listing", CODE)
        template = rest.run(project, commit, "now")
        rest.wait(template)
        manage(platform, "seed_executions", template, str(ROWS))
        took = []
        for _ in range(REQUESTS):
            began = time.perf_counter()
            rest.get("executions/", project=project, limit=50)
            took.append((time.perf_counter() - began) * 1000)
        address = f"/api/v0/executions/?project={project}&limit="
        queries = {limit: queries_of(platform, f"{address}{limit}") for limit in (5, 50)}
    yield Figure(
        "executions list, 50 of 100,000, p50", percentile(took, 50), "ms", 30,
        references=(Reference("MLflow, 100 of 10,000", 70), Reference("Prefect, of 10,000", 19)),
    )  # fmt: skip
    yield Figure("executions list, p99", percentile(took, 99), "ms")
    yield Figure("queries of a page of 50", queries[50], "queries")
    yield Figure("queries more than for a page of 5", queries[50] - queries[5], "queries", 0)


def queries_of(platform: LivePlatform, address: str) -> int:
    said = manage(platform, "count_queries", address)
    found = re.search(r"(\d+) queries", said)
    assert found, said
    return int(found.group(1))


def manage(platform: LivePlatform, *arguments: str) -> str:
    """A management command of the running installation."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env=environment_of(platform),
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def environment_of(platform: LivePlatform) -> dict[str, str]:
    """For a process of our own beside those of the installation."""
    return {
        **os.environ,
        "DATABASE_URL": platform.database_url,
        "REDIS_URL": platform.redis_url,
        "DATA_DIR": str(platform.data),
        "STATIC_ROOT": str(static_folder() / "static"),
        "SECRET_KEY": "not-needed-for-reading-and-copying-rows",
        "DJANGO_SETTINGS_MODULE": "valohai_app.settings",
    }
