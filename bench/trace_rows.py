"""Rows of a large lineage, written by a process beside the server: `python -m bench.trace_rows <execution> <width> <generations>`.

One file is the input of every execution of the first generation; each of these makes a file, and every execution of the next
generation uses two of them. Prints the id of the first file.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "valohai_app.settings")
django.setup()

from django.db import connection  # noqa: E402  (needs the settings)

from common import clock  # noqa: E402
from common.ids import new_id  # noqa: E402
from datastores.models import Datum  # noqa: E402
from datastores.selectors import get_or_create_default_store  # noqa: E402
from executions.models import Execution, ExecutionInput  # noqa: E402

FIRST_COUNTER = 1_000_000


def main(template_id: str, width: int, generations: int) -> None:
    template = Execution.objects.select_related("project").get(pk=template_id)
    store = get_or_create_default_store()
    executions: list[Execution] = []
    datums: list[Datum] = []
    uses: list[ExecutionInput] = []

    def file_of(execution: Execution | None) -> Datum:
        datum_id = new_id()
        datum = Datum(
            id=datum_id,
            store=store,
            project=template.project,
            name=f"part-{len(datums)}.bin",
            key=f"data/{template.project_id}/{datum_id}",
            stored_at=clock.now(),
            output_execution_id=execution.pk if execution else None,
            output_execution_counter=execution.counter if execution else None,
        )
        datums.append(datum)
        return datum

    def run_with(inputs: set[Datum]) -> Datum:
        values = {
            field.attname: getattr(template, field.attname) for field in Execution._meta.concrete_fields
        }
        made = Execution(**{**values, "id": new_id(), "counter": FIRST_COUNTER + len(executions)})
        executions.append(made)
        uses.extend(ExecutionInput(execution=made, datum=datum, name="parts") for datum in inputs)
        return file_of(made)

    first = file_of(None)
    before = [first] * width
    for _ in range(generations):
        before = [run_with({before[number], before[(number * 7 + 3) % width]}) for number in range(width)]
    Execution.objects.bulk_create(executions)
    Datum.objects.bulk_create(datums)
    ExecutionInput.objects.bulk_create(uses)
    with connection.cursor() as cursor:
        for model in (Execution, Datum, ExecutionInput):
            cursor.execute(f'ANALYZE "{model._meta.db_table}"')
    print(first.pk)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
