"""Looking up the inputs of an execution takes a few queries, whatever their number."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from valohai_yaml.objs.step import Step

from datastores.models import DataStore, Datum, DatumAlias
from executions.spec.faults import Faults
from executions.spec.inputs import resolve_inputs
from tests.support import factories

pytestmark = pytest.mark.django_db


def queries_of(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        ask()
    return len(queries)


def make_datums(project: Any, count: int) -> list[Datum]:
    one = factories.make_datum(project)
    fields = {"project": project, "store": one.store, "key": one.key, "stored_at": one.stored_at}
    return Datum.objects.bulk_create([Datum(name=f"{number:05}", **fields) for number in range(count)])


def uris_of(datums: list[Datum]) -> list[str]:
    return [f"datum://{datum.pk}" for datum in datums]


def make_cloud(project: Any, name: str = "bucket", **configuration: Any) -> DataStore:
    return factories.make_store(
        name=name,
        kind=DataStore.Kind.S3,
        is_default=False,
        project=project,
        access_mode=DataStore.AccessMode.SINGLE_PROJECT,
        configuration={"bucket": name, **configuration},
        credentials='{"access_key_id": "key", "secret_access_key": "secret"}',
    )


def addresses(project: Any, count: int) -> list[str]:
    """Of every kind, `count` of each."""
    datums = make_datums(project, 2 * count)
    for datum in datums[count:]:
        DatumAlias.objects.create(project=project, name=f"Alias-{datum.pk}", datum=datum)
    aliases = [f"datum://alias-{datum.pk}" for datum in datums[count:]]
    return [*uris_of(datums[:count]), *aliases, *(f"s3://bucket/{number}" for number in range(count))]


def test_when_an_execution_is_made(project: Any) -> None:
    make_cloud(project)
    step = Step.parse({"name": "s", "image": "i", "command": "c", "inputs": [{"name": "a"}, {"name": "b"}]})

    def resolve(uris: list[str]) -> Any:
        faults = Faults()
        found = resolve_inputs(step, {"a": uris, "b": uris}, {}, project, faults)
        faults.raise_if_any()
        return found

    few, many = addresses(project, 1), addresses(project, 30)
    assert queries_of(lambda: resolve(few)) == queries_of(lambda: resolve(many)) <= 8
    assert [len(entry["urls"]) for entry in resolve(many)] == [90, 90]
