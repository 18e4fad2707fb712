"""Outputs as the detail of an execution shows them."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datastores.models import DatumAlias
from executions.types import Status
from tests.support import factories

pytestmark = pytest.mark.django_db


def test_the_number_of_queries_does_not_grow_with_the_outputs(api: Any, project: Any) -> None:
    execution = factories.make_execution(project, status=Status.COMPLETE)

    def add(name: str) -> None:
        datum = factories.make_datum(
            project, name=name, output_execution_id=execution.pk, output_execution_counter=1
        )
        DatumAlias.objects.create(project=project, name=name, datum=datum)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            shown = api.get(f"/api/v0/executions/{execution.pk}/outputs/?include=download_url").json()
        assert all(row["aliases"][0]["name"] == row["name"] and row["download_url"] for row in shown)
        return len(found)

    add("first")
    few = queries()
    for number in range(10):
        add(f"more-{number}")
    assert queries() == few
