"""Aliases and their history: who let a name mean what, and what it meant before."""

import itertools
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import DomainError
from common.ids import new_id
from datastores import services
from datastores.models import Datum, DatumAlias, DatumAliasMove
from executions.models import Execution
from executions.services import create_execution, spec_from
from executions.types import ExecutionSpec
from organizations.access import Forbidden
from projects.models import Project
from tests.organizations.test_at_once import at_once
from tests.support import factories

URL = "/api/v0/datum-aliases/"


def moves(name: str = "best") -> list[tuple[str, str]]:
    """From, to; the oldest first."""
    rows = DatumAliasMove.objects.filter(name__iexact=name).order_by("pk")
    return list(rows.values_list("from_name", "to_name"))


@pytest.fixture
def first(project: Project) -> Datum:
    return factories.make_datum(project, name="first.pkl")


@pytest.fixture
def second(project: Project) -> Datum:
    return factories.make_datum(project, name="second.pkl")


@pytest.mark.django_db
class TestHistory:
    def test_every_move_is_kept(self, project: Project, alice: User, first: Datum, second: Datum) -> None:
        for datum in (first, second, second, first):
            services.set_alias(project=project, actor=alice, name="best", datum=datum)
        assert moves() == [("", "first.pkl"), ("first.pkl", "second.pkl"), ("second.pkl", "first.pkl")]
        assert DatumAlias.objects.get().datum == first
        assert set(DatumAliasMove.objects.values_list("actor_name", flat=True)) == {"alice"}

    def test_an_output_that_moves_it_is_named(self, project: Project, first: Datum) -> None:
        run, [made] = factories.make_run(project, outputs=("new.pkl",))
        services.mark_stored(
            datum_id=made.pk, size_bytes=1, md5=None, sha1=None, sha256=None, file_modified_at=None,
            metadata={"valohai.alias": "best"},
        )  # fmt: skip
        move = DatumAliasMove.objects.get()
        assert (move.actor, move.execution_id, move.execution_counter) == (None, run.pk, run.counter)

    def test_deleting_is_a_move_and_the_name_can_come_back(
        self, project: Project, alice: User, first: Datum, second: Datum
    ) -> None:
        alias = services.set_alias(project=project, actor=alice, name="best", datum=first)
        services.delete_alias(alias=alias, actor=alice)
        services.delete_alias(alias=alias, actor=alice)
        assert not DatumAlias.objects.exists()
        services.set_alias(project=project, actor=alice, name="Best", datum=second)
        assert moves() == [("", "first.pkl"), ("first.pkl", ""), ("", "second.pkl")]

    def test_a_refusal_moves_nothing(
        self, project: Project, alice: User, charlie: User, first: Datum
    ) -> None:
        gone = factories.make_datum(project, purged_at=first.created_at)
        foreign = factories.make_datum(factories.make_project(alice))
        for actor, datum in ((charlie, first), (alice, gone), (alice, foreign)):
            with pytest.raises(DomainError):
                services.set_alias(project=project, actor=actor, name="best", datum=datum)
        alias = factories.make_alias(project, "kept", first)
        with pytest.raises(Forbidden):
            services.delete_alias(alias=alias, actor=charlie)
        assert not DatumAliasMove.objects.exists()
        assert DatumAlias.objects.get() == alias

    @pytest.mark.parametrize("names", [("İstanbul", "i̇stanbul"), ("straße", "STRASSE"), ("ǅ", "ǆ")])
    def test_names_whose_cases_are_no_pairs(
        self, project: Project, alice: User, first: Datum, names: tuple[str, str]
    ) -> None:
        for name in names:
            services.set_alias(project=project, actor=alice, name=name, datum=first)
        assert DatumAlias.objects.filter(datum=first).exists()

    def test_somebody_who_is_gone_keeps_a_name(
        self, project: Project, bob: User, first: Datum, alice_api: APIClient
    ) -> None:
        alias = services.set_alias(project=project, actor=bob, name="best", datum=first)
        DatumAliasMove.objects.update(actor=None)
        [row] = alice_api.get(f"{URL}{alias.pk}/history/").json()["results"]
        assert row["user"] == {"id": None, "username": "bob"}


@pytest.mark.django_db
class TestApi:
    def test_history_newest_first(
        self, project: Project, alice: User, alice_api: APIClient, first: Datum, second: Datum
    ) -> None:
        for datum in (first, second):
            alias = services.set_alias(project=project, actor=alice, name="best", datum=datum)
        body = alice_api.get(f"{URL}{alias.pk}/history/").json()
        newest, oldest = body["results"]
        assert body["count"] == 2
        assert newest["from"] == oldest["to"] == {"id": str(first.pk), "name": "first.pkl"}
        assert newest["to"] == {"id": str(second.pk), "name": "second.pkl"}
        assert oldest["from"] is None
        assert (newest["user"], newest["execution"]) == ({"id": alice.pk, "username": "alice"}, None)

    def test_move_and_delete(
        self, project: Project, alice_api: APIClient, first: Datum, second: Datum
    ) -> None:
        created = alice_api.post(URL, {"project": project.pk, "name": "best", "datum": first.pk}).json()
        at = f"{URL}{created['id']}/"
        assert alice_api.put(at, {"datum": second.pk}).json()["datum"]["name"] == "second.pkl"
        assert alice_api.get(at).json()["datum"]["id"] == str(second.pk)
        assert alice_api.delete(at).status_code == 204
        assert alice_api.get(at).status_code == 404
        assert [to for _, to in moves()] == ["first.pkl", "second.pkl", ""]

    def test_strangers_see_and_change_nothing(
        self, project: Project, charlie_api: APIClient, first: Datum
    ) -> None:
        alias = factories.make_alias(project, "best", first)
        at = f"{URL}{alias.pk}/"
        answers = [
            charlie_api.get(at), charlie_api.get(f"{at}history/"), charlie_api.put(at, {"datum": first.pk}),
            charlie_api.delete(at), charlie_api.delete(f"{URL}{new_id()}/"),
        ]  # fmt: skip
        assert {answer.status_code for answer in answers} == {404}
        assert DatumAlias.objects.get() == alias


@pytest.mark.django_db
class TestPages:
    def test_the_history_of_an_alias(
        self, project: Project, alice: User, alice_browser: Any, first: Datum, second: Datum
    ) -> None:
        for datum in (first, second):
            alias = services.set_alias(project=project, actor=alice, name="best", datum=datum)
        page = alice_browser.get(f"/p/alice/{project.name}/data/aliases/{alias.pk}/").content.decode()
        assert "first.pkl" in page
        assert f'data-point-back="{first.pk}"' in page
        assert f'data-point-back="{second.pk}"' not in page, "it points there now"

    def test_an_alias_is_at_the_address_of_its_project_only(
        self, project: Project, alice: User, alice_browser: Any, first: Datum
    ) -> None:
        other, alias = factories.make_project(alice), factories.make_alias(project, "best", first)
        assert alice_browser.get(f"/p/alice/{other.name}/data/aliases/{alias.pk}/").status_code == 404


@pytest.mark.django_db
def test_a_copy_keeps_its_data_when_the_alias_moves(
    project: Project, alice: User, first: Datum, second: Datum
) -> None:
    commit = factories.make_commit(project)
    factories._local_environment()
    services.set_alias(project=project, actor=alice, name="best", datum=first)
    spec = ExecutionSpec(commit=commit.identifier, step="train", inputs={"dataset": ["datum://BEST"]})
    original = create_execution(actor=alice, project=project, spec=spec)
    services.set_alias(project=project, actor=alice, name="best", datum=second)
    copy = create_execution(actor=alice, project=project, spec=spec_from(original))
    later = create_execution(actor=alice, project=project, spec=spec)

    def used(execution: Execution) -> list[str]:
        return list(execution.used_files.values_list("datum__name", flat=True))

    assert used(original) == used(copy) == ["first.pkl"]
    assert used(later) == ["second.pkl"]


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_racing_writers_end_in_one_history(self) -> None:
        alice = factories.make_user("alice")
        project = factories.make_project(alice)
        datums = [factories.make_datum(project, name=f"{number}.pkl") for number in range(6)]

        def point(datum: Datum) -> None:
            services.set_alias(project=project, actor=alice, name="best", datum=datum)

        for _ in range(3):
            outcomes = at_once(*(lambda datum=datum: point(datum) for datum in datums))
            assert outcomes == [None] * len(datums)
        history = moves()
        assert len(history) >= len(datums)
        assert all(before[1] == after[0] for before, after in itertools.pairwise(history))
        assert history[0][0] == ""
        assert str(DatumAlias.objects.get().datum) == history[-1][1]

    def test_moving_and_deleting_at_once(self) -> None:
        alice = factories.make_user("alice")
        project = factories.make_project(alice)
        datum, other = factories.make_datum(project, name="a"), factories.make_datum(project, name="b")
        for _ in range(5):
            alias = services.set_alias(project=project, actor=alice, name="best", datum=datum)
            at_once(
                lambda: services.set_alias(project=project, actor=alice, name="best", datum=other),
                lambda alias=alias: services.delete_alias(alias=alias, actor=alice),
            )
            left = DatumAlias.objects.filter(name="best").first()
            assert moves()[-1][1] == (str(left.datum) if left else "")
        history = moves()
        assert all(before[1] == after[0] for before, after in itertools.pairwise(history))

    def test_two_batches_that_move_the_same_aliases_do_not_block_each_other(self) -> None:
        alice = factories.make_user("alice")
        project = factories.make_project(alice)
        datums = [factories.make_datum(project, name=f"{number}") for number in range(4)]
        mine = list(zip(datums[:2], ({"valohai.alias": "x"}, {"valohai.alias": "y"}), strict=True))
        theirs = list(zip(datums[2:], ({"valohai.alias": "y"}, {"valohai.alias": "x"}), strict=True))
        for _ in range(5):
            outcomes = at_once(
                lambda: services.apply_properties_to_all(actor=alice, changes=mine),
                lambda: services.apply_properties_to_all(actor=alice, changes=theirs),
            )
            assert outcomes == [None, None]
