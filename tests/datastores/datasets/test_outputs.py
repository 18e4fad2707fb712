"""Versions that outputs ask for by `valohai.dataset-versions`."""

from typing import Any
from uuid import uuid4

import pytest

from datastores.datasets import contents, services
from datastores.datasets.services import NewVersion
from datastores.datasets.wishes import gathered, read_wishes
from datastores.models import Dataset, DatasetVersion, Datum
from executions.logs.ingest import close_abandoned, fold_events
from executions.models import Execution
from executions.types import Status
from peon.protocol import events
from tests.logs.agent import Agent
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_sealing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Celery worker runs here."""
    monkeypatch.setattr("executions.logs.ingest.ask_for_sealing", lambda pk: None)


@pytest.fixture
def execution(project: Any) -> Execution:
    return factories.make_execution(project, status=Status.STARTED)


@pytest.fixture
def agent(execution: Execution) -> Agent:
    worker = Agent(execution)
    worker.open()
    return worker


def store(agent: Agent, name: str, *wishes: Any, **metadata: Any) -> Datum:
    """The run stores an output with these wishes."""
    execution = agent.execution
    datum = factories.make_datum(
        execution.project,
        name=name,
        stored_at=None,
        output_execution_id=execution.pk,
        output_execution_counter=1,
    )
    metadata = {"valohai.dataset-versions": list(wishes), **metadata} if wishes else metadata
    agent.report(
        events.OUTPUT, datum_id=str(datum.pk), name=name, size=8, sha256=datum.sha256, metadata=metadata
    )
    return datum


def end(agent: Agent, status: str = "complete") -> None:
    agent.finish(status)
    fold_events(agent.execution.pk)
    agent.execution.refresh_from_db()


def content(uri: str) -> list[str]:
    dataset, version = uri.removeprefix("dataset://").split("/")
    found = DatasetVersion.objects.get(dataset__name=dataset, name=version)
    return list(contents.files_of(found).values_list("name", flat=True))


def notices(agent: Agent) -> str:
    return " ".join(agent.execution.runtime_facts.get("notices", []))


def errors(name: str) -> str:
    return " ".join(Datum.objects.get(name=name).metadata_errors)


class TestMaking:
    def test_all_files_that_name_the_same_make_one(self, agent: Agent, alice: Any) -> None:
        store(agent, "a", "dataset://images/v1", quality="good")
        store(agent, "b/c", {"uri": "dataset://Images/V1", "valohai.tags": ["x"], "metadata": {"n": 1}})
        store(agent, "other")
        fold_events(agent.execution.pk)
        assert not DatasetVersion.objects.exists(), "not before the end"
        end(agent)
        made = DatasetVersion.objects.get()
        assert content("dataset://images/v1") == ["a", "b/c"]
        assert (made.execution_id, made.execution_counter) == (agent.execution.pk, agent.execution.counter)
        assert (made.creator, made.tags, made.properties) == (alice, ["x"], {"n": 1})
        assert list(made.dataset.projects.all()) == [agent.execution.project]
        assert not made.dataset.for_every_project
        assert Datum.objects.get(name="a").properties == {"quality": "good"}
        assert agent.execution.status == "complete"
        assert notices(agent) == ""

    def test_a_file_in_several(self, agent: Agent) -> None:
        store(agent, "a", "dataset://x/v1", "dataset://y/v1")
        end(agent)
        assert content("dataset://x/v1") == content("dataset://y/v1") == ["a"]

    def test_from_another_without_some(self, agent: Agent, project: Any) -> None:
        dataset = factories.make_dataset(project, name="images")
        factories.make_dataset_version(
            dataset, *(factories.make_datum(project, name=n) for n in "abc"), name="v1"
        )
        store(agent, "d", {"uri": "dataset://images/v2", "from": "dataset://images/latest", "exclude": ["a"]})
        store(agent, "e", {"uri": "dataset://images/v2", "exclude": ["b"]})
        end(agent)
        assert content("dataset://images/v2") == ["c", "d", "e"]
        assert content("dataset://images/v1") == ["a", "b", "c"]

    def test_fresh_whatever_from_says(self, agent: Agent, project: Any) -> None:
        dataset = factories.make_dataset(project, name="images")
        factories.make_dataset_version(dataset, factories.make_datum(project, name="old"), name="v1")
        store(agent, "a", {"uri": "dataset://images/v2", "from": "dataset://images/v1", "start_fresh": True})
        store(agent, "b", {"uri": "dataset://images/v3"})
        store(agent, "c", {"uri": "dataset://images/v4", "from": None, "exclude": []})
        end(agent)
        assert content("dataset://images/v2") == ["a"]
        assert content("dataset://images/v3") == ["b"]
        assert content("dataset://images/v4") == ["c"]

    def test_each_from_the_one_before_whatever_their_order(self, agent: Agent) -> None:
        store(agent, "c", {"uri": "dataset://x/v3", "from": "dataset://x/v2"})
        store(agent, "b", {"uri": "dataset://x/v2", "from": "dataset://x/v1"})
        store(agent, "a", "dataset://x/v1")
        end(agent)
        assert content("dataset://x/v3") == ["a", "b", "c"]

    def test_aliases_and_packaging(self, agent: Agent, project: Any, alice: Any) -> None:
        dataset = factories.make_dataset(project, name="x")
        old = factories.make_dataset_version(dataset, factories.make_datum(project, name="a"), name="v1")
        services.set_alias(version=old, actor=alice, name="prod")
        store(agent, "b", {"uri": "dataset://x/v2", "targeting_aliases": ["prod", "dev"], "packaging": True})
        end(agent)
        made = DatasetVersion.objects.get(name="v2")
        assert {a.name: a.version for a in dataset.aliases.all()} == {"prod": made, "dev": made}
        assert made.wants_package
        assert dataset.alias_moves.filter(execution_counter=agent.execution.counter).count() == 2

    def test_with_more_projects(self, agent: Agent, alice: Any) -> None:
        mine, foreign = factories.make_project(alice), factories.make_project()
        wish = {
            "uri": "dataset://x/v1",
            "associated_project_ids": [str(mine.pk), str(foreign.pk), "nonsense"],
        }
        store(agent, "a", wish)
        end(agent)
        assert set(Dataset.objects.get().projects.all()) == {agent.execution.project, mine}
        assert str(foreign.pk) in errors("a")
        assert "nonsense" in errors("a")

    def test_of_files_of_one_name_the_last_one_stays(self, agent: Agent) -> None:
        store(agent, "a", "dataset://x/v1")
        Datum.objects.update(name="same")
        last = store(agent, "b", "dataset://x/v1")
        Datum.objects.filter(pk=last.pk).update(name="same")
        end(agent)
        assert contents.files_of(DatasetVersion.objects.get()).get().datum == last
        assert "had the name of a later one" in notices(agent)


class TestWhatIsWrong:
    def test_stays_visible_and_loses_nothing(self, agent: Agent, project: Any) -> None:
        dataset = factories.make_dataset(project, name="x")
        old = factories.make_dataset_version(dataset, factories.make_datum(project, name="old"), name="v1")
        store(agent, "a", "dataset://x/v1")
        store(agent, "b", {"uri": "dataset://x/v2", "from": "dataset://X/V2"})
        store(agent, "c", {"uri": "dataset://x/v3", "from": "dataset://x/v9"})
        store(agent, "d", {"uri": "dataset://x/v4", "from": "nonsense"})
        store(agent, "e", "dataset://x/v5")
        end(agent)
        assert agent.execution.status == "complete"
        assert "dataset://x/v1 is there already" in errors("a")
        assert "would contain itself: dataset://x/v2 from dataset://X/V2" in errors("b")
        assert "no such version or alias. It has: latest, v1" in errors("c")
        assert "names no version" in errors("d")
        assert errors("e") == ""
        assert [v.name for v in DatasetVersion.objects.order_by("id")] == ["v1", "v5"]
        assert content("dataset://x/v1") == ["old"] == [f.name for f in contents.files_of(old)]
        for uri in ("v1", "v2", "v3", "v4"):
            assert f"dataset://x/{uri}: not made" in notices(agent)

    def test_versions_that_contain_each_other(self, agent: Agent) -> None:
        store(agent, "a", {"uri": "dataset://x/v1", "from": "dataset://x/v2"})
        store(agent, "b", {"uri": "dataset://x/v2", "from": "dataset://x/v1"})
        end(agent)
        assert not DatasetVersion.objects.exists()
        assert "dataset://x/v1 from dataset://x/v2 from dataset://x/v1" in errors("a")
        assert "would contain itself" in errors("b")

    def test_exclude_that_matches_nothing_is_told(self, agent: Agent, project: Any) -> None:
        dataset = factories.make_dataset(project, name="x")
        factories.make_dataset_version(dataset, factories.make_datum(project, name="old"), name="v1")
        store(agent, "a", {"uri": "dataset://x/v2", "from": "dataset://x/v1", "exclude": ["odl", "*.png"]})
        end(agent)
        assert content("dataset://x/v2") == ["a", "old"]
        assert "'exclude' has odl, *.png, which matches no file of dataset://x/v1" in errors("a")
        assert "odl" in notices(agent)

    def test_several_versions_to_begin_with(self, agent: Agent) -> None:
        store(agent, "a", {"uri": "dataset://x/v9", "from": "dataset://x/v1"})
        store(agent, "b", {"uri": "dataset://x/v9", "from": "dataset://x/v2"})
        end(agent)
        assert "several versions in 'from'" in errors("a")
        assert not DatasetVersion.objects.exists()

    @pytest.mark.parametrize(
        "wish", [7, {}, {"uri": 7}, "dataset://x", "dataset://x/latest", "s3://b/k", "dataset://a/b/c", ["dataset://x/v1"], None],
    )  # fmt: skip
    def test_misshapen_wishes(self, agent: Agent, wish: Any) -> None:
        store(agent, "a", wish, fine=True)
        end(agent)
        assert agent.execution.status == "complete"
        assert not DatasetVersion.objects.exists()
        assert "valohai.dataset-versions" in errors("a")
        assert Datum.objects.get(name="a").properties == {"fine": True}

    def test_what_is_odd_beside_the_address_does_not_keep_the_file_out(self, agent: Agent) -> None:
        wish = {
            "uri": "dataset://x/v1",
            "exclude": 7,
            "targeting_aliases": ["latest", "ok"],
            "metadata": [],
            "tags": [""],
        }
        store(agent, "a", wish)
        end(agent)
        assert content("dataset://x/v1") == ["a"]
        assert Dataset.objects.get().aliases.get().name == "ok"
        for word in ("exclude", "latest", "metadata", "tags"):
            assert word in errors("a")

    @pytest.mark.parametrize("status", ["error", "crashed", "stopped"])
    def test_a_run_that_did_not_complete_makes_none(self, agent: Agent, status: str) -> None:
        store(agent, "a", "dataset://x/v1")
        end(agent, status)
        assert not Dataset.objects.exists()
        assert f"the execution ended as {status}" in errors("a")

    def test_a_stop_that_came_before_the_end(self, agent: Agent) -> None:
        store(agent, "a", "dataset://x/v1")
        Execution.objects.update(status=Status.STOPPING)
        end(agent)
        assert agent.execution.status == "stopped"
        assert not Dataset.objects.exists()

    def test_a_lost_worker(self, agent: Agent) -> None:
        store(agent, "a", "dataset://x/v1")
        assert close_abandoned(execution_id=agent.execution.pk, epoch=1, message="gone")
        assert not Dataset.objects.exists()
        assert "ended as crashed" in errors("a")

    def test_a_dataset_of_which_the_creator_may_not_make_versions(self, agent: Agent, project: Any) -> None:
        """A collaborator of one project does not write what is there for every project of its owner."""
        guest = factories.make_user()
        factories.make_collaborator(project, guest)
        dataset = factories.make_dataset(owner=project.creator, name="x")
        Execution.objects.update(creator=guest)
        store(agent, "a", "dataset://x/v1")
        end(agent)
        assert not dataset.versions.exists()
        assert "may not change the dataset" in errors("a")

    def test_a_dataset_of_another_project(self, agent: Agent, alice: Any) -> None:
        factories.make_dataset(factories.make_project(alice), name="x")
        store(agent, "a", "dataset://x/v1")
        end(agent)
        assert not DatasetVersion.objects.exists()
        assert "is there already" in errors("a")

    def test_the_api_takes_no_wishes(self, agent: Agent, api: Any) -> None:
        datum = factories.make_datum(agent.execution.project)
        body = {"valohai.dataset-versions": ["dataset://x/v1"]}
        refused = api.post(f"/api/v0/data/{datum.pk}/metadata/", body, format="json")
        assert refused.status_code == 400
        assert "dataset-versions/" in refused.json()["metadata"][0]["message"]


class TestScale:
    def test_a_version_of_many_files_is_few_statements(
        self, alice: Any, project: Any, django_assert_max_num_queries: Any
    ) -> None:
        dataset = factories.make_dataset(project)
        pattern = factories.make_datum(project)
        Datum.objects.bulk_create(
            Datum(
                store=pattern.store,
                project=project,
                name=f"f/{n:05}",
                key=f"k{n}",
                stored_at=pattern.stored_at,
            )
            for n in range(3000)
        )
        ids = list(Datum.objects.values_list("pk", flat=True))
        with django_assert_max_num_queries(40):
            first = services.create_version(dataset=dataset, actor=alice, new=NewVersion("v1", ids))
            second = services.create_version(
                dataset=dataset, actor=alice, new=NewVersion("v2", base=first, exclude=["f/00*"])
            )
        assert (first.file_count, second.file_count) == (3001, 2001)

    def test_wishes_of_many_files_are_read_once_each(self) -> None:
        wishes = read_wishes(["dataset://x/v1"], [])
        [version] = gathered((uuid4(), f"{n}", wishes) for n in range(1000))
        assert len(version.datum_ids) == 1000
