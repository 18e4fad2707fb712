"""Rows of a large lineage, written by a process beside the server: `python -m bench.trace_rows <execution> <width> <generations>`.

One file is the input of every execution of the first generation; each of these makes a file, and every execution of the next
generation uses two of them. Besides, a version of a dataset with 10,000 files is the input of one execution. Prints the id of the
first file, and of that execution.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "valohai_app.settings")
django.setup()

from django.db import connection  # noqa: E402  (needs the settings)

from common import clock  # noqa: E402
from common.ids import new_id  # noqa: E402
from datastores.models import Dataset, DatasetFile, DatasetVersion, Datum  # noqa: E402
from datastores.selectors import get_or_create_default_store  # noqa: E402
from executions.models import Execution, ExecutionInput  # noqa: E402

FIRST_COUNTER = 1_000_000
FILES_OF_VERSION = 10_000


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

    def new_run() -> Execution:
        values = {
            field.attname: getattr(template, field.attname) for field in Execution._meta.concrete_fields
        }
        executions.append(Execution(**{**values, "id": new_id(), "counter": FIRST_COUNTER + len(executions)}))
        return executions[-1]

    def run_with(inputs: set[Datum]) -> Datum:
        made = new_run()
        uses.extend(ExecutionInput(execution=made, datum=datum, name="parts") for datum in inputs)
        return file_of(made)

    first = file_of(None)
    before = [first] * width
    for _ in range(generations):
        before = [run_with({before[number], before[(number * 7 + 3) % width]}) for number in range(width)]
    maker, reader = new_run(), new_run()
    parts = [file_of(maker) for _ in range(FILES_OF_VERSION)]
    dataset = Dataset.objects.create(owner=template.project.owner, name="parts", for_every_project=True)
    version = DatasetVersion.objects.create(dataset=dataset, name="v1", file_count=len(parts))
    uses.append(ExecutionInput(execution=reader, version=version, name="parts"))
    Execution.objects.bulk_create(executions)
    Datum.objects.bulk_create(datums)
    DatasetFile.objects.bulk_create(
        DatasetFile(version=version, datum=part, name=part.name) for part in parts
    )
    ExecutionInput.objects.bulk_create(uses)
    with connection.cursor() as cursor:
        for model in (Execution, Datum, ExecutionInput, DatasetFile):
            cursor.execute(f'ANALYZE "{model._meta.db_table}"')
    print(first.pk, reader.pk)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
