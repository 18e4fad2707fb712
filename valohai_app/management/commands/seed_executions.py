"""Many executions at once, copied from one: for measurements and for trying the pages at size."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from common import clock
from executions.models import Execution
from executions.types import FINAL
from projects.models import ProjectCounter


class Command(BaseCommand):
    help = "Copy a finished execution many times, in one statement, with numbers, times and statuses of their own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("execution", help="the id of the execution to copy")
        parser.add_argument("count", type=int)

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        template = Execution.objects.filter(pk=options["execution"]).first()
        if template is None or template.status not in FINAL:
            raise CommandError("Give the id of an execution that has ended.")
        counter = ProjectCounter.objects.select_for_update().get(
            project_id=template.project_id, kind="execution"
        )
        copy_rows(template, options["count"], counter.last_value)
        counter.last_value += options["count"]
        counter.save(update_fields=["last_value"])
        self.stdout.write(f"{options['count']} executions added")


def copy_rows(template: Execution, count: int, last_counter: int) -> None:
    table = Execution._meta.db_table
    columns = [str(field.column) for field in Execution._meta.concrete_fields]
    own = {
        "id": "gen_random_uuid()",
        "counter": "%(last)s + number",
        "status": "(ARRAY['complete', 'complete', 'error', 'stopped'])[1 + number %% 4]",
        "title": "'Run ' || number",
        "created_at": "created_at - (%(count)s - number) * interval '1 minute'",
        "log_sealed_at": "coalesce(log_sealed_at, %(now)s)",
    }
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(own.get(column, f'"{column}"') for column in columns)
    # Names come from the model, values are parameters.
    statement = (
        f'INSERT INTO "{table}" ({names}) SELECT {values} FROM "{table}", generate_series(1, %(count)s) AS number '  # noqa: S608
        f"WHERE id = %(template)s"
    )
    facts: dict[str, Any] = {
        "last": last_counter,
        "count": count,
        "now": clock.now(),
        "template": str(template.pk),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
        cursor.execute(f'ANALYZE "{table}"')
