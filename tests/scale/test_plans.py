"""What lists cost does not depend on how many tenants there are: the same people ask the same lists before and after three
times as many others move in, and what PostgreSQL reads for them stays. Nothing here looks at a clock."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from projects import across
from tests.conftest import api_of, browser_of
from valohai_app.seeding import Sizes, seed_tenants

FIRST = Sizes(
    organizations=25, users=500, projects=2_500, executions=12_500, datums=4_000, audit_events=5_000
)
OTHERS = Sizes(
    organizations=75, users=1_500, projects=7_500, executions=37_500, datums=12_000, audit_events=15_000
)
UNTIL = datetime(2026, 6, 1, tzinfo=UTC)

LISTS = (
    "/", "/?sort=name", "/?search=project-1", "/projects/switch/?search=7",
    "/api/v0/executions/", "/api/v0/executions/?status=queued", "/api/v0/executions/?tag=paper",
    "/api/v0/executions/?ordering=id", "/api/v0/executions/?ordering=-start_time", "/api/v0/executions/?no_count=true",
    "/api/v0/projects/", "/api/v0/projects/?ordering=-last_execution_ctime", "/api/v0/projects/?search=77",
    "/api/v0/projects/ownership_options/", "/api/v0/commits/", "/api/v0/commits/?ordering=-commit_time",
    "/api/v0/data/", "/api/v0/data/?ordering=name", "/api/v0/datum-aliases/", "/api/v0/repositories/",
    "/api/v0/environments/", "/api/v0/stores/", "/api/v0/audit-events/", "/activity/",
    "/api/v0/organizations/", "/api/v0/teams/", "/api/v0/users/",
)  # fmt: skip
LARGE = {
    "executions_execution",
    "projects_project",
    "projects_commit",
    "datastores_datum",
    "audit_auditevent",
}
PEOPLE = ("median", "none")

# Indexes get a level more, and a join with a small table may read all of it while that is the cheapest way: all users of this
# test fill 49 pages. Walking the executions of others would be thousands.
GROWTH = 1.5
A_FEW_PAGES = 200


@dataclass(frozen=True)
class Cost:
    pages: int
    """Buffers touched by all queries of the request."""
    read_whole: frozenset[str]
    """Tables with a sequential scan."""


Costs = dict[tuple[str, str], Cost]


@pytest.mark.django_db
def test_lists_do_not_cost_more_when_others_move_in(monkeypatch: pytest.MonkeyPatch) -> None:
    # As small beside these tables as they are beside full ones.
    monkeypatch.setattr(across, "WINDOW", across.WINDOW // 20)
    monkeypatch.setattr(across, "LARGEST_WINDOW", across.LARGEST_WINDOW // 20)
    made = seed_tenants(FIRST, seed=5, until=UNTIL)
    users = {who: User.objects.get(username=getattr(made, who)) for who in PEOPLE}
    few = measured(users)
    seed_tenants(OTHERS, seed=6, until=UNTIL, add=True)
    many = measured(users)
    read_whole = {asked: cost.read_whole & LARGE for asked, cost in many.items() if cost.read_whole & LARGE}
    grown = {
        asked: (few[asked].pages, cost.pages)
        for asked, cost in many.items()
        if cost.pages > few[asked].pages * GROWTH + A_FEW_PAGES
    }
    assert not read_whole
    assert not grown
    assert all(many["median", path].pages for path in LISTS), "something was measured"


def measured(users: dict[str, User]) -> Costs:
    return {(who, path): cost_of(user, path) for who, user in users.items() for path in LISTS}


def cost_of(user: User, path: str) -> Cost:
    client = api_of(user) if path.startswith("/api/") else browser_of(user)
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200, path
    plans = [explained(query["sql"]) for query in captured if query["sql"].startswith(("SELECT", "(SELECT"))]
    nodes = [node for plan in plans for node in walked(plan)]
    return Cost(
        sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans),
        frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
    )


def explained(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql.replace("%", "%%"), [])
        found = cursor.fetchone()[0]
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def walked(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from walked(child)
