"""Rows of a large data plane, written by a process beside the server: `python -m bench.data_rows <execution> <files>`.

The project of the execution gets 94 of 100 files and 20,000 executions with titles, 40 more projects of two owners the rest; the
execution's project also gets two versions of a dataset of 100,000 files. There are no bytes behind them. Prints what the
measurement needs, as JSON.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "valohai_app.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402  (needs the settings)

from accounts.models import User  # noqa: E402
from accounts.services import create_user  # noqa: E402
from bench.access import PASSWORD  # noqa: E402
from datastores.models import Dataset, DatasetVersion, DataStore, Datum, DatumAlias  # noqa: E402
from datastores.selectors import get_or_create_default_store  # noqa: E402
from executions.models import Execution  # noqa: E402
from projects.models import Project  # noqa: E402
from projects.services import create_project  # noqa: E402
from valohai_app.management.commands.seed_executions import copy_rows  # noqa: E402

EXECUTIONS = 20_000
SMALL_PROJECTS = 20
"""Of each of two owners."""
DATASET_FILES = 100_000
# A file every ten seconds, the last one now. Most are pictures; every 20th is tagged, every 100,000th is a needle.
_FILES = """
    INSERT INTO datastores_datum (
        id, created_at, updated_at, stored_at, store_id, project_id, output_execution_id, output_execution_counter, uploader_id,
        name, key, size_bytes, sha256, tags, properties, metadata_errors, purged_at, erased_at
    )
    SELECT
        (lpad(to_hex((extract(epoch FROM made.at) * 1000)::bigint), 12, '0') || substr(md5(number::text), 1, 20))::uuid,
        made.at, made.at, made.at,
        CASE WHEN number %% 50000 = 7 THEN %(rare_store)s WHEN number %% 10 = 3 THEN %(other_store)s ELSE %(store)s END::uuid,
        CASE WHEN number %% 100 < 94 THEN %(project)s::uuid ELSE (%(others)s::uuid[])[1 + number %% %(other_count)s] END,
        CASE WHEN number %% 100 < 94 AND number %% 1000 <> 5 THEN execution.id END,
        CASE WHEN number %% 100 < 94 AND number %% 1000 <> 5 THEN execution.counter END,
        CASE WHEN number %% 1000 = 5 THEN %(user)s END,
        CASE
            WHEN number %% 100000 = 11 THEN 'notes/needle-' || number || '.txt'
            WHEN number < %(files)s / 50 AND number %% 100 = 12 THEN 'archive/forgotten-' || number || '.bin'
            WHEN number %% 10 < 7 THEN 'images/' || (ARRAY['cat', 'dog', 'bird', 'fish'])[1 + number %% 4] || '-' || number || '.jpg'
            WHEN number %% 10 < 9 THEN 'checkpoints/epoch-' || number %% 200 || '/weights-' || number || '.pt'
            ELSE 'reports/summary-' || number || '.json'
        END,
        'data/' || number, (number::bigint * 7919) %% 5000000 + CASE WHEN number %% 50000 = 1 THEN 5e9 ELSE 0 END,
        md5(number::text) || md5((number + 1)::text),
        CASE WHEN number %% 100000 = 21 THEN '{golden}' WHEN number %% 20 = 1 THEN '{prod}' ELSE '{}' END::varchar[],
        '{}', '[]',
        CASE WHEN number %% 200 = 9 THEN made.at END, CASE WHEN number %% 200 = 9 THEN made.at END
    FROM generate_series(1, %(files)s) number
    CROSS JOIN LATERAL (SELECT now() - (%(files)s - number) * interval '10 seconds' AS at) made
    LEFT JOIN bench_executions execution ON execution.position = number %% %(executions)s
"""
_TITLES = """
    UPDATE executions_execution SET title = CASE
        WHEN counter %% 5000 = 17 THEN 'Unrepeated study ' || counter ELSE 'Training of a detector, ' || counter
    END WHERE project_id = %(project)s
"""
_VERSION = """
    INSERT INTO datastores_datasetfile (version_id, datum_id, name)
    SELECT %(version)s, id, name FROM (
        SELECT id, name FROM datastores_datum
        WHERE project_id = %(project)s AND purged_at IS NULL ORDER BY created_at OFFSET %(skipped)s LIMIT %(files)s
    ) chosen ORDER BY name COLLATE "C"
"""


def main(template_id: str, files: int) -> dict[str, Any]:
    template = Execution.objects.select_related("project__owner").get(pk=template_id)
    project = template.project
    with transaction.atomic():
        user, stranger = (
            create_user(actor=None, username=name, email="", password=PASSWORD, verified_email=False)
            for name in ("browsing", "stranger")
        )
        Project.objects.filter(pk=project.pk).update(owner=user.owner)
        others = [
            create_project(actor=owner, name=f"small-{number}")
            for owner in (user, stranger)
            for number in range(SMALL_PROJECTS)
        ]
        copy_rows(template, EXECUTIONS, template.counter)
        with _indexes_built_afterwards():
            values = _write_files(project, others, user, files)
        dataset = _make_dataset(project, user)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    newest = project.datums.order_by("-created_at").values_list("pk", flat=True)
    return {
        "username": user.username,
        "project": str(project.pk),
        "address": f"{user.username}/{project.name}",
        "rare_store": values["rare_store"],
        "other_store": values["other_store"],
        "middle": str(newest[files // 2]),
        "dataset": dataset,
    }


@contextmanager
def _indexes_built_afterwards() -> Iterator[None]:
    """Which is several times faster than adding a million rows to them."""
    with connection.schema_editor() as editor:
        for index in Datum._meta.indexes:
            editor.remove_index(Datum, index)
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
    with connection.schema_editor() as editor:
        for index in Datum._meta.indexes:
            editor.add_index(Datum, index)


def _write_files(project: Project, others: list[Project], user: User, files: int) -> dict[str, Any]:
    values = {
        "store": str(get_or_create_default_store().pk),
        "rare_store": str(_make_store("rare").pk),
        "other_store": str(_make_store("other").pk),
        "project": str(project.pk),
        "others": [str(other.pk) for other in others],
        "other_count": len(others),
        "user": user.pk,
        "files": files,
        "executions": EXECUTIONS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TITLES, values)
        cursor.execute(
            "CREATE TEMPORARY TABLE bench_executions ON COMMIT DROP AS "
            "SELECT row_number() OVER (ORDER BY counter) - 1 AS position, id, counter FROM executions_execution "
            "WHERE project_id = %(project)s",
            values,
        )
        cursor.execute("ANALYZE bench_executions")
        cursor.execute(
            "SET LOCAL session_replication_role = replica"
        )  # rows of ours point to rows that are there
        cursor.execute(_FILES, values)
        cursor.execute("SET LOCAL session_replication_role = origin")
    for number, datum in enumerate(project.datums.order_by("pk")[:200]):
        DatumAlias.objects.create(project=project, name=f"alias-{number}", datum=datum)
    return values


def _make_store(name: str) -> DataStore:
    return DataStore.objects.create(
        name=name,
        kind=DataStore.Kind.S3,
        access_mode=DataStore.AccessMode.PUBLIC,
        configuration={"bucket": f"bench-{name}", "region": "eu-west-1"},
    )


def _make_dataset(project: Project, user: User) -> dict[str, str]:
    """Two versions, which have all but 1,000 files in common."""
    dataset = Dataset.objects.create(owner=user.owner, name="pictures", for_every_project=True, creator=user)
    made = {"dataset": str(dataset.pk)}
    for name, skipped in (("v1", 0), ("v2", 1000)):
        version = DatasetVersion.objects.create(dataset=dataset, name=name, file_count=DATASET_FILES)
        values = {"version": version.pk, "project": project.pk, "skipped": skipped, "files": DATASET_FILES}
        with connection.cursor() as cursor:
            cursor.execute(_VERSION, values)
        made[name] = str(version.pk)
    return made


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
