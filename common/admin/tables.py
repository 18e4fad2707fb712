"""Long tables: they are not counted to number their pages."""

from functools import cached_property

from django.core.paginator import Paginator
from django.db import connection, models
from django.db.models import QuerySet

LARGE_TABLE_ROWS = 100_000


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]
    """Does not count a large table to number its pages: PostgreSQL's own estimate is near enough."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet) and not rows.query.where:
            estimate = _estimated_rows(rows.model)
            if estimate >= LARGE_TABLE_ROWS:
                return estimate
        return super().count


def _estimated_rows(model: type[models.Model]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        return int(cursor.fetchone()[0])
