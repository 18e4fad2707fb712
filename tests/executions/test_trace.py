"""Lineage: what led to a file or an execution, and what was made with it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from common import clock
from datastores.models import Datum
from executions.lineage.kinds import Direction, Kind
from executions.lineage.trace import Limits, trace
from executions.models import Execution
from projects.models import Project
from tests.support import factories

pytestmark = pytest.mark.django_db


class Chain:
    """raw.csv -> prepare -> clean.csv -> train -> model.pkl -> serve -> report.txt"""

    def __init__(self, project: Project) -> None:
        self.raw = factories.make_datum(project, name="raw.csv")
        self.prepare, [self.clean] = factories.make_run(project, (self.raw,), ("clean.csv",), title="prepare")
        self.train, [self.model] = factories.make_run(project, (self.clean,), ("model.pkl",), title="train")
        self.serve, [self.report] = factories.make_run(project, (self.model,), ("report.txt",), title="serve")


@pytest.fixture
def chain(project: Project) -> Chain:
    return Chain(project)


def names(graph: dict[str, Any]) -> list[str]:
    return [node["name"].partition(" ")[2] or node["name"] for node in graph["nodes"]]


def drawn(graph: dict[str, Any]) -> set[tuple[str, str]]:
    called = dict(zip([node["id"] for node in graph["nodes"]], names(graph), strict=True))
    return {(called[edge["from"]], called[edge["to"]]) for edge in graph["edges"]}


def of_file(user: User, datum: Datum, direction: str = "both", **limits: Any) -> dict[str, Any]:
    return trace(user, Kind.FILE, datum.pk, Direction(direction), Limits(**limits))


class TestReach:
    def test_both_directions_at_any_depth(self, alice: User, chain: Chain) -> None:
        graph = of_file(alice, chain.clean)
        assert names(graph) == [
            "raw.csv",
            "prepare",
            "clean.csv",
            "train",
            "model.pkl",
            "serve",
            "report.txt",
        ]
        assert drawn(graph) == {
            ("raw.csv", "prepare"), ("prepare", "clean.csv"), ("clean.csv", "train"), ("train", "model.pkl"),
            ("model.pkl", "serve"), ("serve", "report.txt"),
        }  # fmt: skip
        assert graph["truncated"] is False
        assert graph["start"] == str(chain.clean.pk)

    def test_one_direction_only(self, alice: User, chain: Chain) -> None:
        assert names(of_file(alice, chain.model, "up")) == [
            "raw.csv", "prepare", "clean.csv", "train", "model.pkl",
        ]  # fmt: skip
        assert names(of_file(alice, chain.model, "down")) == ["model.pkl", "serve", "report.txt"]

    def test_from_an_execution(self, alice: User, chain: Chain) -> None:
        graph = trace(alice, Kind.EXECUTION, chain.train.pk, Direction.UP, Limits())
        assert names(graph) == ["raw.csv", "prepare", "clean.csv", "train"]

    def test_siblings_are_no_lineage(self, alice: User, project: Project, chain: Chain) -> None:
        factories.make_run(project, (chain.raw,), ("other.csv",), title="aside")
        assert "aside" not in names(of_file(alice, chain.model))
        assert "aside" in names(of_file(alice, chain.raw))

    def test_a_diamond_has_each_node_once(self, alice: User, project: Project) -> None:
        source = factories.make_datum(project, name="source")
        halves = [
            factories.make_run(project, (source,), (name,), title=f"make {name}")[1][0]
            for name in ("left", "right")
        ]
        factories.make_run(project, (source, *halves), ("both",), title="join")
        graph = of_file(alice, source)
        assert len(graph["nodes"]) == 7
        assert len(graph["edges"]) == 2 + 2 + 3 + 1

    def test_alone(self, alice: User, project: Project) -> None:
        graph = of_file(alice, factories.make_datum(project, name="alone"))
        assert (names(graph), graph["edges"], graph["truncated"]) == (["alone"], [], False)

    def test_uploads_that_never_became_files_are_not_there(self, alice: User, chain: Chain) -> None:
        factories.make_datum(
            chain.train.project, name="half", stored_at=None, output_execution_id=chain.train.pk
        )
        assert "half" not in names(of_file(alice, chain.raw))

    def test_says_what_is_gone(self, alice: User, chain: Chain) -> None:
        Datum.objects.filter(pk=chain.raw.pk).update(purged_at=clock.now())
        Execution.objects.filter(pk=chain.prepare.pk).update(deleted_at=clock.now())
        found = {node["id"]: node for node in of_file(alice, chain.clean, "up")["nodes"]}
        assert found[str(chain.raw.pk)]["purged"]
        assert found[str(chain.prepare.pk)]["deleted"]
        assert not found[str(chain.clean.pk)]["purged"]


class TestSight:
    def test_what_one_may_not_see_ends_the_walk(self, project: Project, bob: User, alice: User) -> None:
        hidden = factories.make_project(alice, "hidden")
        start = factories.make_datum(project, name="start")
        _, [secret] = factories.make_run(hidden, (start,), ("secret",), title="hidden run")
        factories.make_run(project, (secret,), ("behind",), title="behind it")
        assert len(of_file(alice, start)["nodes"]) == 5
        graph = of_file(bob, start)
        assert names(graph) == ["start"]
        assert graph["edges"] == []
        assert graph["truncated"] is False, "hidden neighbours are not hinted at"

    def test_strangers_get_nothing(self, chain: Chain, charlie_api: APIClient) -> None:
        assert charlie_api.get(f"/api/v0/data/{chain.model.pk}/trace/").status_code == 404
        assert charlie_api.get(f"/api/v0/executions/{chain.train.pk}/trace/").status_code == 404


class TestLimits:
    def test_a_file_that_many_use_shows_the_newest(self, alice: User, project: Project) -> None:
        hub = factories.make_datum(project, name="hub")
        runs = [factories.make_run(project, (hub,))[0] for _ in range(5)]
        graph = of_file(alice, hub, neighbours=2)
        shown = {node["id"] for node in graph["nodes"]}
        assert shown == {str(hub.pk), str(runs[3].pk), str(runs[4].pk)}
        assert graph["truncated"]
        assert [node["id"] for node in graph["nodes"] if node["more_down"]] == [str(hub.pk)]
        assert not any(node["more_up"] for node in graph["nodes"])

    def test_exactly_as_many_as_are_followed_is_all(self, alice: User, project: Project) -> None:
        hub = factories.make_datum(project, name="hub")
        for _ in range(2):
            factories.make_run(project, (hub,))
        assert of_file(alice, hub, neighbours=2)["truncated"] is False

    def test_a_full_graph_says_where_it_ends(self, alice: User, chain: Chain) -> None:
        graph = of_file(alice, chain.model, "up", nodes=3)
        assert names(graph) == ["clean.csv", "train", "model.pkl"]
        assert graph["truncated"]
        assert [node["name"] for node in graph["nodes"] if node["more_up"]] == ["clean.csv"]

    def test_depth_counts_edges(self, alice: User, chain: Chain) -> None:
        graph = of_file(alice, chain.clean, depth=1)
        assert names(graph) == ["prepare", "clean.csv", "train"]
        more = {(n["more_up"], n["more_down"]) for n in graph["nodes"]}
        assert more == {(True, False), (False, False), (False, True)}
        assert graph["truncated"]
        assert names(of_file(alice, chain.clean, depth=0)) == ["clean.csv"]

    def test_queries_do_not_depend_on_the_number_of_nodes(self, alice: User, project: Project) -> None:
        def queries(datum: Datum) -> int:
            with CaptureQueriesContext(connection) as captured:
                of_file(alice, datum)
            return len(captured)

        start = factories.make_datum(project)
        _, [made] = factories.make_run(project, (start,), ("x",))
        few = queries(start)
        for _ in range(12):
            _, [made] = factories.make_run(project, (made,), ("x",))
        assert len(of_file(alice, start)["nodes"]) == 27
        assert queries(start) == few


class TestApi:
    def test_parameters(self, chain: Chain, alice_api: APIClient) -> None:
        at = f"/api/v0/executions/{chain.train.pk}/trace/"
        assert len(alice_api.get(at).json()["nodes"]) == 7
        assert len(alice_api.get(at, {"direction": "up"}).json()["nodes"]) == 4
        assert len(alice_api.get(at, {"direction": "down", "depth": 1}).json()["nodes"]) == 2
        assert alice_api.get(at, {"limit": 1, "width": 1}).json()["truncated"]

    @pytest.mark.parametrize("value", ["x", "-1", "1.5", "9" * 30, "", "\0", "²"])
    def test_what_is_no_number_is_not_said(self, chain: Chain, alice_api: APIClient, value: str) -> None:
        asked = {"limit": value, "width": value, "depth": value, "direction": value}
        answer = alice_api.get(f"/api/v0/data/{chain.model.pk}/trace/", asked)
        assert answer.status_code == 200

    def test_addresses_lead_to_pages(self, chain: Chain, alice_api: APIClient, alice_browser: Any) -> None:
        for node in alice_api.get(f"/api/v0/data/{chain.model.pk}/trace/").json()["nodes"]:
            for address in (node["url"], node["trace_url"]):
                assert alice_browser.get(address).status_code == 200


class TestPages:
    def test_a_file_of_an_execution_can_be_reproduced(
        self, project: Project, chain: Chain, alice_browser: Any
    ) -> None:
        page = alice_browser.get(f"/p/alice/{project.name}/data/{chain.model.pk}/trace/").content.decode()
        assert f"executions/create/?from={chain.train.pk}" in page
        assert f"/api/v0/data/{chain.model.pk}/trace/" in page

    def test_another_project_s_address(self, alice: User, chain: Chain, alice_browser: Any) -> None:
        other = factories.make_project(alice)
        assert alice_browser.get(f"/p/alice/{other.name}/data/{chain.model.pk}/trace/").status_code == 404
        address = f"/p/alice/{other.name}/execution/{chain.train.pk}/trace/"
        assert alice_browser.get(address).status_code == 404
