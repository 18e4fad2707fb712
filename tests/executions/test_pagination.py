"""Counts of long lists are remembered; everything that a client follows is still exact."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.rest import pagination
from tests.support import factories

URL = "/api/v0/executions/"


@pytest.fixture
def five(project):
    commit = factories.make_commit(project)
    return [factories.make_execution(project, commit=commit) for _ in range(5)]


def counted(queries: CaptureQueriesContext) -> int:
    return sum("COUNT(" in query["sql"] for query in queries)


def test_a_page_that_holds_everything_needs_no_count(api, five):
    with CaptureQueriesContext(connection) as queries:
        assert api.get(f"{URL}?limit=5").json()["count"] == 5
    assert counted(queries) == 0


def test_small_counts_are_always_fresh(api, five, project):
    assert api.get(f"{URL}?limit=2").json()["count"] == 5
    factories.make_execution(project)
    assert api.get(f"{URL}?limit=2").json()["count"] == 6


def test_large_counts_are_remembered_per_user_and_question(api, bob_api, five, project, monkeypatch):
    monkeypatch.setattr(pagination, "LARGE_COUNT", 3)
    assert api.get(f"{URL}?limit=2").json()["count"] == 5
    factories.make_execution(project, step="other")
    with CaptureQueriesContext(connection) as queries:
        assert api.get(f"{URL}?limit=2&offset=2").json()["count"] == 5
    assert counted(queries) == 0
    assert bob_api.get(f"{URL}?limit=2").json()["count"] == 6
    assert api.get(f"{URL}?limit=2&step=train").json()["count"] == 5


def test_following_next_reaches_every_row_although_the_count_is_old(api, five, project, monkeypatch):
    monkeypatch.setattr(pagination, "LARGE_COUNT", 3)
    api.get(f"{URL}?limit=2&ordering=counter")
    factories.make_execution(project)
    seen, url = [], f"{URL}?limit=2&ordering=counter"
    while url:
        page = api.get(url).json()
        seen += [row["counter"] for row in page["results"]]
        url = page["next"]
    assert seen == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("query", "count", "more"), [("limit=2", 5, True), ("limit=5", 5, False), ("limit=2&offset=4", 5, False),
                                                      ("limit=2&offset=50", 5, False), ("limit=0", 5, False)])  # fmt: skip
def test_counts_and_next(api, five, query, count, more):
    page = api.get(f"{URL}?{query}").json()
    assert page["count"] == count
    assert bool(page["next"]) == more


def test_without_counting(api, five):
    page = api.get(f"{URL}?limit=2&no_count=true").json()
    assert page["count"] is None
    assert page["next"]
