"""The content of the whole database in a few characters per table, to see that a refusal changed nothing."""

from functools import cache

from django.apps import apps
from django.db import connection
from django.db.models import Model

# Who was seen when is not content: it changes with every call, refused or not.
LEFT_OUT = frozenset({"sessions.Session", "accounts.UserSession"})
COLUMNS_LEFT_OUT = frozenset({"last_used_at", "last_active_at", "last_login", "last_seen_at"})


def fingerprint() -> dict[str, str]:
    """Table -> number of rows and a hash over all of them; audit rows and the notes of the administration site included."""
    with connection.cursor() as cursor:
        cursor.execute(_statement())
        return {table: f"{rows} rows, {content}" for table, rows, content in cursor.fetchall()}


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [table for table in before if before[table] != after[table]]


@cache
def _statement() -> str:
    models = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label not in LEFT_OUT and model._meta.managed and not model._meta.proxy
    ]
    return " UNION ALL ".join(_of_table(model) for model in models)


def _of_table(model: type[Model]) -> str:
    quote = connection.ops.quote_name
    columns = [
        quote(field.column) for field in model._meta.concrete_fields if field.name not in COLUMNS_LEFT_OUT
    ]
    table = quote(model._meta.db_table)
    row = f"md5(ROW({', '.join(columns)})::text)"
    return (
        f"SELECT '{model._meta.db_table}', count(*), md5(string_agg({row}, '' ORDER BY {row})) FROM {table}"  # noqa: S608
    )
