"""Which executions use a file, from the file's side; and that nobody purges what a job needs."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from common import clock
from common.errors import DomainError
from datastores.models import Datum
from datastores.services import purge_datum
from executions.errors import FileNeeded
from executions.models import Execution, ExecutionInput, InputAddress
from executions.services import create_execution
from executions.types import ExecutionSpec, Status
from projects.models import Commit, Project
from tests.organizations.test_at_once import at_once
from tests.support import factories


def spec_with(commit: Commit, *datums: Datum) -> ExecutionSpec:
    urls = [f"datum://{datum.pk}" for datum in datums]
    return ExecutionSpec(commit=commit.identifier, step="train", inputs={"dataset": urls})


@pytest.fixture
def commit(project: Project) -> Commit:
    factories._local_environment()
    return factories.make_commit(project)


@pytest.mark.django_db
class TestCreation:
    def test_writes_down_every_file_once(self, project: Project, alice: User, commit: Commit) -> None:
        one, two = factories.make_datum(project), factories.make_datum(project)
        execution = create_execution(actor=alice, project=project, spec=spec_with(commit, one, two, one))
        rows = ExecutionInput.objects.filter(execution=execution).order_by("pk")
        assert [(row.name, row.datum) for row in rows] == [("dataset", one), ("dataset", two)]

    def test_versions_and_addresses_are_written_down_as_such(
        self, project: Project, alice: User, commit: Commit, settings: Any
    ) -> None:
        settings.ALLOW_PRIVATE_NETWORK_URLS = True
        bucket = factories.make_store(name="bucket", kind="s3", project=project, is_default=False,
                                      access_mode="single_project", configuration={"bucket": "b"})  # fmt: skip
        version = factories.make_dataset_version(
            factories.make_dataset(project), factories.make_datum(project)
        )
        urls = [version.uri, "s3://b/folder/*.csv", "https://me:hidden@example.com/x.csv?token=hidden#part"]
        spec = ExecutionSpec(commit=commit.identifier, step="train", inputs={"dataset": urls})
        execution = create_execution(actor=alice, project=project, spec=spec)
        of_version, in_store, on_web = ExecutionInput.objects.filter(execution=execution).order_by("pk")
        assert (of_version.version, of_version.datum, of_version.address) == (version, None, None)
        assert (in_store.address.store, in_store.address.key) == (bucket, "folder/*.csv")
        assert in_store.address.address == "s3://b/folder/*.csv"
        assert on_web.address.address == "https://example.com/x.csv?…"
        assert (on_web.address.store, on_web.address.key) == (None, "")

    def test_an_address_has_one_row_in_a_project_whatever_the_password(self, project: Project) -> None:
        for secret in ("one", "two"):
            factories.make_reading(project, f"https://me:{secret}@example.com/x", "https://example.com/x?a=1")
        factories.make_reading(factories.make_project(), "https://example.com/x")
        assert InputAddress.objects.filter(project=project).count() == 2
        assert ExecutionInput.objects.filter(address__project=project).count() == 4

    def test_two_spellings_of_one_address_are_one_input(self, project: Project) -> None:
        factories.make_reading(project, "https://me:1@example.com/x", "https://me:2@example.com/x")
        assert ExecutionInput.objects.count() == 1

    def test_an_input_is_one_thing(self, project: Project) -> None:
        execution, datum = factories.make_execution(project), factories.make_datum(project)
        version = factories.make_dataset_version(factories.make_dataset(project))
        for facts in ({}, {"datum": datum, "version": version}):
            with pytest.raises(IntegrityError), transaction.atomic():
                ExecutionInput.objects.create(execution=execution, name="data", **facts)

    def test_earlier_executions_are_caught_up(self, project: Project) -> None:
        one = factories.make_datum(project)
        run, _ = factories.make_run(project, inputs=(one,))
        odd = ["datum://not-an-id", "https://example.com/x", "datum://00000000-0000-0000-0000-000000000001"]
        factories.make_execution(project, inputs=[{"name": "odd", "urls": odd}])
        expected = list(ExecutionInput.objects.values_list("execution_id", "datum_id", "name"))
        assert expected == [(run.pk, one.pk, "files")]
        ExecutionInput.objects.all().delete()
        for _ in range(2):
            fill_again()
            assert list(ExecutionInput.objects.values_list("execution_id", "datum_id", "name")) == expected

    def test_versions_and_addresses_of_earlier_executions_too(self, project: Project) -> None:
        """The same rows as executions of today have."""
        factories.make_store(name="bucket", kind="s3", project=project, is_default=False,
                             access_mode="single_project", configuration={"bucket": "b"})  # fmt: skip
        version = factories.make_dataset_version(factories.make_dataset(project))
        factories.make_reading(project, "s3://b/a b.csv", "https://u:p@example.com/x?q=1#f", version.uri)
        factories.make_execution(
            project, inputs=[{"name": "odd", "urls": ["http://[broken", "dataset://x/y"]}]
        )

        def rows() -> list[Any]:
            columns = ("execution_id", "version_id", "name", "address__address", "address__digest",
                       "address__store_id", "address__key", "address__project_id")  # fmt: skip
            return sorted(ExecutionInput.objects.values_list(*columns), key=str)

        expected = rows()
        assert len(expected) == 3
        ExecutionInput.objects.all().delete()
        InputAddress.objects.all().delete()
        for _ in range(2):
            fill_again("0010_versions_and_addresses_of_earlier_executions")
            assert rows() == expected


def fill_again(name: str = "0007_files_of_earlier_executions") -> None:
    """What the migration does."""
    from importlib import import_module

    from django.apps import apps

    migration = import_module(f"executions.migrations.{name}")
    with connection.schema_editor() as editor:
        migration.fill(apps, editor)


@pytest.mark.django_db
class TestPurge:
    @pytest.mark.parametrize("status", [Status.CREATED, Status.QUEUED, Status.STARTED, Status.STOPPING])
    def test_a_job_that_needs_the_file_is_named(
        self, project: Project, alice_api: APIClient, status: Status
    ) -> None:
        datum = factories.make_datum(project, name="train.csv")
        job, _ = factories.make_run(project, inputs=(datum,), status=status)
        answer = alice_api.post(f"/api/v0/data/{datum.pk}/purge/")
        assert answer.status_code == 409
        assert f"'train.csv' is an input of execution #{job.counter}, which is {status}" in str(answer.json())
        datum.refresh_from_db()
        assert datum.purged_at is None

    def test_a_job_that_needs_a_version_of_a_dataset_with_the_file_is_named(
        self, project: Project, alice: User
    ) -> None:
        datum = factories.make_datum(project, name="train.csv")
        version = factories.make_dataset_version(factories.make_dataset(project), datum)
        job = factories.make_reading(project, version.uri, status=Status.QUEUED)
        with pytest.raises(FileNeeded, match=f"#{job.counter}"):
            purge_datum(datum=datum, actor=alice)
        type(job).objects.update(status=Status.COMPLETE, ended_at=clock.now())
        purge_datum(datum=datum, actor=alice)

    def test_versions_are_asked_for_by_an_index_however_many_jobs_there_are(
        self, project: Project, alice: User
    ) -> None:
        """It is not the inputs of every unfinished execution that are read."""
        datum = factories.make_datum(project)
        factories.make_dataset_version(factories.make_dataset(project), datum)
        for _ in range(8):
            factories.make_reading(project, "https://example.com/x", status=Status.QUEUED)
        with CaptureQueriesContext(connection) as captured:
            purge_datum(datum=datum, actor=alice)
        assert not [query for query in captured if '"executions_execution"."inputs"' in query["sql"]
                    and "executions_executioninput" not in query["sql"]]  # fmt: skip
        assert len([query for query in captured if "executions_execution" in query["sql"]]) <= 2

    def test_when_it_has_ended_the_file_may_go(self, project: Project, alice: User) -> None:
        datum = factories.make_datum(project)
        factories.make_run(project, inputs=(datum,), status=Status.ERROR)
        purge_datum(datum=datum, actor=alice)
        datum.refresh_from_db()
        assert datum.purged_at

    def test_a_file_that_is_gone_already_needs_nobody(self, project: Project, alice: User) -> None:
        datum = factories.make_datum(project)
        purge_datum(datum=datum, actor=alice)
        factories.make_run(project, inputs=(datum,), status=Status.QUEUED)
        purge_datum(datum=datum, actor=alice)


@pytest.mark.django_db(transaction=True)
def test_a_purge_and_a_job_at_once_do_not_both_win() -> None:
    alice = factories.make_user("alice")
    project = factories.make_project(alice)
    factories._local_environment()
    commit = factories.make_commit(project)
    for _ in range(6):
        datum = factories.make_datum(project)
        outcomes = at_once(
            lambda datum=datum: purge_datum(datum=datum, actor=alice),
            lambda datum=datum: create_execution(actor=alice, project=project, spec=spec_with(commit, datum)),
        )
        purged = Datum.objects.get(pk=datum.pk).purged_at is not None
        created = ExecutionInput.objects.filter(datum=datum).exists()
        assert purged != created
        assert [isinstance(error, DomainError) for error in outcomes].count(True) == 1
        assert isinstance(outcomes[0], FileNeeded) == created
        assert Execution.objects.filter(used_files__datum=datum).exists() == created


@pytest.mark.django_db
class TestPage:
    def test_says_who_used_it_newest_first(self, project: Project, alice: User, alice_browser: Any) -> None:
        [made] = factories.make_run(project, outputs=("model.pkl",))[1]
        runs = [factories.make_run(project, inputs=(made,))[0] for _ in range(3)]
        factories.make_run(project)
        alias = factories.make_alias(project, "best", made)
        page = alice_browser.get(f"/p/alice/{project.name}/data/{made.pk}/").content.decode()
        places = [page.index(f"execution/{run.pk}/") for run in reversed(runs)]
        assert places == sorted(places)
        assert f"execution #{made.output_execution_counter}" in page
        assert f"data/aliases/{alias.pk}/" in page

    def test_pages_cost_the_same_however_many_uses(
        self, project: Project, alice_browser: Any, django_assert_max_num_queries: Any
    ) -> None:
        datum = factories.make_datum(project, properties={"items": "3", "<b>": "<i>"})
        for _ in range(55):
            factories.make_run(project, inputs=(datum,))
        with django_assert_max_num_queries(20):
            page = alice_browser.get(f"/p/alice/{project.name}/data/{datum.pk}/?page=2").content.decode()
        assert page.count("row-link") == 5
        assert "<b>" not in page

    def test_is_not_there_for_strangers_or_at_another_address(
        self, project: Project, alice: User, alice_browser: Any, charlie_browser: Any
    ) -> None:
        datum, other = factories.make_datum(project), factories.make_project(alice)
        assert charlie_browser.get(f"/p/alice/{project.name}/data/{datum.pk}/").status_code == 404
        assert alice_browser.get(f"/p/alice/{other.name}/data/{datum.pk}/").status_code == 404
