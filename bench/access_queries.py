"""How long the queries of a page take, with the access filter and with none: run by `access` against a seeded database.

The floor asks for the same page by the ids of the projects, as if somebody had told them.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import django

django.setup()

from accounts.models import User  # noqa: E402
from bench.figures import percentile  # noqa: E402
from executions import selectors  # noqa: E402
from executions.models import Execution  # noqa: E402
from projects.across import AcrossProjects  # noqa: E402
from projects.selectors import projects_for  # noqa: E402

ROWS = 51


def main(username: str, runs: int, requests: int) -> dict[str, float]:
    user = User.objects.get(username=username)
    known = list(projects_for(user).values_list("pk", flat=True))
    rows = selectors.with_shared_related(Execution.objects.filter(deleted_at__isnull=True))
    told = rows.extra(where=["project_id = ANY(%s::uuid[])"], params=[[str(pk) for pk in known]])

    def floor() -> Iterable[Any]:
        return told.order_by("-pk")[:ROWS]

    def filtered() -> Iterable[Any]:
        return AcrossProjects(user, rows)[:ROWS]

    assert [row.pk for row in floor()] == [row.pk for row in filtered()]
    # In turns, so that what else the machine does hits both alike.
    pairs = [[(timed(floor), timed(filtered)) for _ in range(requests)] for _ in range(runs)]
    return {
        "projects": len(known),
        "floor": median(percentile([pair[0] for pair in run], 50) for run in pairs),
        "p50": median(percentile([pair[1] for pair in run], 50) for run in pairs),
        "p99": median(percentile([pair[1] for pair in run], 99) for run in pairs),
    }


def timed(query: Callable[[], Iterable[Any]]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    list(query())
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
