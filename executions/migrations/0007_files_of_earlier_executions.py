"""Executions from before have their files written down, too: a batch at a time, and it may be run again."""

from typing import Any

from django.db import migrations

BATCH = 10_000
# CASE, because PostgreSQL may cast before it has compared.
FILL = """
    INSERT INTO executions_executioninput (execution_id, datum_id, name)
    SELECT DISTINCT used.execution_id, datum.id, used.name
    FROM (
        SELECT execution.id AS execution_id, item ->> 'name' AS name,
               CASE WHEN url ~* '^datum://[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN substr(url, 9)::uuid END AS datum_id
        FROM executions_execution execution,
             jsonb_array_elements(execution.inputs) item,
             jsonb_array_elements_text(item -> 'urls') url
        WHERE execution.id = ANY(%s) AND execution.inputs <> '[]'
    ) used
    JOIN datastores_datum datum ON datum.id = used.datum_id
    ON CONFLICT DO NOTHING
"""


def fill(apps: Any, schema_editor: Any) -> None:
    executions = apps.get_model("executions", "Execution")._default_manager.order_by("pk")
    ids = list(executions.values_list("pk", flat=True)[:BATCH])
    while ids:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(FILL, [ids])
        ids = list(executions.filter(pk__gt=ids[-1]).values_list("pk", flat=True)[:BATCH])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("executions", "0006_files_used_as_inputs")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
