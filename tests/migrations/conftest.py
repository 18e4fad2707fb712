"""A database of its own at the state of the previous version, with rows that the previous version wrote."""

import os
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from pytest_django.plugin import DjangoDbBlocker

from tests.migrations.previous import PREVIOUS, Written, write

Columns = dict[str, set[str]]


@pytest.fixture(scope="module")
def empty_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The default connection leads to a fresh database as long as the module lasts."""
    with django_db_blocker.unblock():
        usual = connection.settings_dict["NAME"]
        fresh = f"{usual}_previous_{os.getpid()}"
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{fresh}"')
            cursor.execute(f'CREATE DATABASE "{fresh}"')
        _lead_to(fresh)
        try:
            yield
        finally:
            _lead_to(usual)
            with connection.cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{fresh}" WITH (FORCE)')


def _lead_to(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


@pytest.fixture(scope="module")
def written(empty_database: None) -> Written:
    """The rows of the previous version."""
    executor = MigrationExecutor(connection)
    executor.migrate(PREVIOUS)
    return write(executor.loader.project_state(PREVIOUS).apps)


@pytest.fixture(scope="module")
def previous_columns(written: Written) -> Columns:
    """What the tables of the previous version have, and no more than that is known to it."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        return {
            table: {column.name for column in connection.introspection.get_table_description(cursor, table)}
            for table in tables
        }


@pytest.fixture(scope="module")
def migrated(written: Written, previous_columns: Columns) -> Written:
    """The same rows after all migrations of this version."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    return written


@pytest.fixture
def after(migrated: Written) -> Iterator[Written]:
    """The migrated rows; what a test does to them is undone."""
    with transaction.atomic():
        yield migrated
        transaction.set_rollback(True)
