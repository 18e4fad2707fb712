"""The data browser and the list of files at 1,000,000 files of 41 projects, one of which has most, with every filter there is; and
versions of a dataset with 100,000 files. BENCH_QUICK=1: a tenth of the files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import httpx

from bench.access import PASSWORD, milliseconds
from bench.figures import Figure, percentile
from bench.listing import environment_of, queries_of
from bench.running import project_with, rest_of, running_platform
from common import clock
from tests.support.live import CHECKOUT, LivePlatform
from tests.support.people import Site

FILES = 1_000_000
REQUESTS = 40
AIM_MS = 50
CODE = {"valohai.yaml": "- step: {name: now, image: none, command: date}\n"}


def measure() -> Iterator[Figure]:
    with running_platform() as platform:
        rest = rest_of(platform)
        project, commit = project_with(rest, "browse", CODE)
        template = rest.run(project, commit, "now")
        rest.wait(template)
        files = FILES // 10 if os.environ.get("BENCH_QUICK") else FILES
        yield from measure_on(platform, seed(platform, template, files))


def measure_on(platform: LivePlatform, facts: Mapping[str, Any]) -> Iterator[Figure]:
    """On an installation that is seeded and running."""
    person = Site(platform)
    person.log_in(facts["username"], PASSWORD)
    yield from _pages(platform, person.http, facts)
    yield from _lists(person.http, facts)
    yield from _datasets(platform, person, facts)


def seed(platform: LivePlatform, template: str, files: int) -> Mapping[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.data_rows", template, str(files)],
        cwd=CHECKOUT, env=environment_of(platform), check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    facts: Mapping[str, Any] = json.loads(done.stdout)
    return facts


def _pages(platform: LivePlatform, http: httpx.Client, facts: Mapping[str, Any]) -> Iterator[Figure]:
    """What the browser asks for while somebody types, chooses and turns pages."""
    address = f"/p/{facts['address']}/data/"
    month = f"created_after={_day(100)}&created_before={_day(70)}"
    filters = {
        "no filter": "",
        "a common word": "search=jpg",
        "a word of few files": "search=needle",
        "a word of old files alone": "search=forgotten",
        "a word of one file in 50": "search=epoch-13",
        "no match": "search=xylophone",
        "two letters": "search=qx",
        "one letter that is nowhere": "search=Q",
        "a common tag": "search=prod",
        "a tag of few files": "search=golden",
        "#execution": "search=%2317017",
        "a title of many executions": "search=detector",
        "a title of few executions": "search=unrepeated",
        "an alias": "search=alias-17",
        "three words": "search=cat+jpg+prod",
        "words that are never together": "search=needle+jpg",
        "uploaded": "kind=uploaded",
        "a store with few files": f"store={facts['rare_store']}",
        "a store with many": f"store={facts['other_store']}",
        "a common size": "max_size=1000000",
        "a size of few files": "min_size=1000000000",
        "a month long ago": month,
        "word, size, store and date": f"search=cat&max_size=1000000&store={facts['other_store']}&created_before={_day(70)}",
        "page 5,000": f"before={facts['middle']}",
        "page 5,000 of a common word": f"search=jpg&before={facts['middle']}",
        "purged ones, too": "purged=1",
    }

    def page(query: str) -> None:
        answer = http.get(f"{address}?{query}", headers={"HX-Request": "true"})
        assert answer.status_code == 200, answer.text[:300]

    p50s = {}
    for name, query in filters.items():
        took = _timed(lambda query=query: page(query))
        p50s[name] = percentile(took, 50)
        yield Figure(f"data browser, {name}, p50", p50s[name], "ms", AIM_MS)
        yield Figure("same, p99", percentile(took, 99), "ms")
    yield Figure(f"slowest of {len(p50s)} filters, p50", max(p50s.values()), "ms", AIM_MS)
    counts = {name: queries_of(platform, f"{address}?{query}") for name, query in filters.items()}
    yield Figure("queries of a page, most of any filter", max(counts.values()), "queries")
    yield Figure("same, least", min(counts.values()), "queries")


def _lists(http: httpx.Client, facts: Mapping[str, Any]) -> Iterator[Figure]:
    """The API, which counts and has offsets."""
    project = f"project={facts['project']}"
    lists = {
        "a project": project,
        "a project, offset 500,000": f"{project}&offset=500000&ordering=-ctime",
        "as the command line asks": f"{project}&ordering=-ctime&deleted=false&no_count=true",
        "a word of few files": f"{project}&search=needle",
        "a common word": f"{project}&search=jpg",
        "a tag of few files": f"{project}&tag=golden",
        "every project": "",
        "every project, a word of few files": "search=needle",
        "every project, a common word": "search=jpg",
        "every project, no match": "search=xylophone",
        "every project, exact name": "name=notes/needle-11.txt",
    }

    def page(query: str) -> None:
        answer = http.get(f"/api/v0/data/?limit=50&{query}")
        assert answer.status_code == 200, answer.text[:300]

    for name, query in lists.items():
        yield Figure(
            f"list of files, {name}, first request", milliseconds(lambda query=query: page(query)), "ms"
        )
        yield Figure("same, p50", percentile(_timed(lambda query=query: page(query)), 50), "ms", AIM_MS)


def _datasets(platform: LivePlatform, person: Site, facts: Mapping[str, Any]) -> Iterator[Figure]:
    """Two versions of 100,000 files that have all but 1,000 in common."""
    known = facts["dataset"]
    pages = f"/p/{facts['address']}/data/datasets/{known['dataset']}/{known['v2']}/"
    api = f"/api/v0/dataset-versions/{known['v2']}/"
    asked = {
        "page of a version": pages,
        "page of a version, searched": f"{pages}?search=needle",
        "page of a version, last page of files": f"{pages}?page=1000",
        "page of the difference": f"{pages}diff/?from={known['v1']}",
        "files of a version, API, 1,000": f"{api}files/?limit=1000",
        "difference, API": f"{api}diff/?to={known['v1']}",
    }
    for name, address in asked.items():
        took = _timed(lambda address=address: person.http.get(address).raise_for_status(), requests=10)
        yield Figure(f"dataset of 100,000 files: {name}, p50", percentile(took, 50), "ms", 500)
        yield Figure("same, p99", percentile(took, 99), "ms")

    def make_version(name: str) -> None:
        body = {"dataset": known["dataset"], "name": name, "from": known["v2"], "exclude": ["notes/"]}
        headers = {"X-CSRFToken": person.http.cookies["csrftoken"], "Referer": platform.url}
        answer = person.http.post("/api/v0/dataset-versions/", json=body, headers=headers)
        assert answer.status_code == 201, answer.text[:300]

    took = [milliseconds(lambda name=name: make_version(name)) for name in ("v3", "v4", "v5")]
    yield Figure("dataset of 100,000 files: a version from another one", percentile(took, 50), "ms", 5000)


def _day(days_ago: int) -> str:
    return (clock.now() - timedelta(days=days_ago)).date().isoformat()


def _timed(act: Callable[[], Any], requests: int = REQUESTS) -> list[float]:
    act()
    return [milliseconds(act) for _ in range(requests)]
