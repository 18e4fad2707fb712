"""Migrations run while the previous version serves: large tables stay writable."""

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, AddIndex, AlterField, CreateModel
from django.db.migrations.operations.base import Operation
from django.db.models import ForeignKey

from tests.migrations.previous import PREVIOUS

LARGE = {
    ("executions", "execution"), ("executions", "logchunk"), ("executions", "metadatachunk"),
    ("executions", "resourcesample"), ("datastores", "datum"), ("projects", "commit"),
}  # fmt: skip
"""Tables with millions of rows."""


def new_operations() -> list[tuple[str, str, Operation]]:
    """App, migration and operation of everything since the previous version."""
    loader = MigrationLoader(connection)
    old = {key for target in PREVIOUS for key in loader.graph.forwards_plan(target)}
    return [
        (app, name, operation)
        for (app, name), migration in sorted(loader.disk_migrations.items())
        if (app, name) not in old
        for operation in migration.operations
    ]


def locks_for_long(app: str, operation: Operation) -> bool:
    table = (app, str(getattr(operation, "model_name", "")).lower())
    if table not in LARGE:
        return False
    if isinstance(operation, AddField | AlterField):
        return isinstance(operation.field, ForeignKey) and operation.field.db_index
    return isinstance(operation, AddIndex) and not isinstance(operation, AddIndexConcurrently)


@pytest.mark.django_db
def test_indexes_of_large_tables_are_built_while_others_write() -> None:
    slow = [f"{app}.{name}" for app, name, operation in new_operations() if locks_for_long(app, operation)]
    assert not slow, f"Use AddIndexConcurrently, and db_index=False for foreign keys: {slow}"


@pytest.mark.django_db
def test_there_is_something_to_look_at() -> None:
    assert any(isinstance(operation, CreateModel) for _, _, operation in new_operations())
