"""Rows of every project that somebody sees, in the order of their age, at a cost that follows what they see and not what the
installation holds (docs/scale.md)."""

from typing import Any, Generic, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BigIntegerField,
    Func,
    Model,
    OrderBy,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    UUIDField,
)
from django.db.models.functions import Cast

from accounts.models import User
from organizations.access import visible_to
from projects.models import Project

Row = TypeVar("Row", bound=Model)

WINDOW = 2_000
"""So many rows at the end of time are looked at first."""
LARGEST_WINDOW = 25_000
"""Finding where a larger one ends takes longer than asking the projects."""
FEW = 10_000
"""Matches of a search that are sorted all."""


class AcrossProjects(Generic[Row]):
    """`rows` are filtered but neither ordered nor kept from anybody; they have a foreign key `project` and ids in time order.

    Pages are slices, as of a QuerySet. Who sees much finds a page among the newest rows of the whole installation, and only
    so many of these are looked at. For others each project is asked for its newest, which takes an index on `project, -id`.

    `search` are the same rows, asked for in such a way that an index finds them. There may be few of them, and these are sorted,
    because looking for them from the newest row on would read every row.
    """

    def __init__(
        self,
        user: User | AnonymousUser,
        rows: QuerySet[Row],
        *,
        newest_first: bool = True,
        search: QuerySet[Row] | None = None,
    ) -> None:
        self._rows = rows
        self._order = "-pk" if newest_first else "pk"
        self._search = search
        self._everything = isinstance(user, User) and user.is_active and user.is_superuser
        self._visible = visible_to(user)

    def __getitem__(self, wanted: slice) -> QuerySet[Row]:
        if self._everything and self._search is None:
            return self._ordered(self._rows)[wanted]
        length = wanted.stop - (wanted.start or 0)
        size = max(WINDOW, wanted.stop)
        if self._search is not None:
            page = self._in_window(size, wanted)
            if page is not None and len(page) == length:
                return page
            if self._search.order_by()[: FEW + 1].count() <= FEW:
                return self._sorted(self._search, wanted)
        if self._everything:
            return self._ordered(self._rows)[wanted]
        while size <= LARGEST_WINDOW:
            page = self._in_window(size, wanted)
            if page is None or not page:
                break
            if len(page) == length:
                return page  # full: whatever lies outside of the window comes after these
            # Twice the size that holds enough, if the window is like what lies behind it.
            size = 2 * size * wanted.stop // len(page)
        return self._project_by_project(wanted)

    def count(self) -> int:
        if self._search is not None and self._search.order_by()[: FEW + 1].count() <= FEW:
            return self._seen(self._search).order_by().count()
        if self._everything:
            return self._rows.count()
        of_project = self._of_project().values("pk")
        found = self._projects().aggregate(number=Sum(_CountOf(of_project)))
        return int(found["number"] or 0)

    def _sorted(self, rows: QuerySet[Row], wanted: slice) -> QuerySet[Row]:
        """In an order of which no index knows, so that PostgreSQL finds those that match first."""
        order = OrderBy(Cast("pk", TextField()), descending=self._order == "-pk")
        return self._seen(rows).order_by(order)[wanted]

    def _seen(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        return rows if self._everything else rows.filter(project__in=self._projects())

    def _in_window(self, size: int, wanted: slice) -> QuerySet[Row] | None:
        """The page as far as it lies among the first `size` rows of the installation; None when there are no more."""
        ids = self._rows.model._default_manager.order_by(self._order).values_list("pk", flat=True)
        edge = ids[size : size + 1].first()
        if edge is None:
            return None
        # Named as a value, the edge tells the planner how much lies within.
        within = Q(pk__gte=edge) if self._order == "-pk" else Q(pk__lte=edge)
        return self._ordered(self._seen(self._rows).filter(within))[wanted]

    def _project_by_project(self, wanted: slice) -> QuerySet[Row]:
        """Of the first rows of each project the first ones."""
        of_project = self._ordered(self._of_project()).values("pk")[: wanted.stop]
        found = _Unnest(ArraySubquery(of_project), output_field=UUIDField())
        first = self._projects().values(found=found).order_by(self._order.replace("pk", "found"))
        return self._ordered(self._rows.filter(pk__in=first[: wanted.stop]))[wanted]

    def _projects(self) -> QuerySet[Project]:
        return Project.objects.filter(self._visible)

    def _of_project(self) -> QuerySet[Row]:
        return self._rows.filter(project=OuterRef("pk")).order_by()

    def _ordered(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        return rows.order_by(self._order)


class _Unnest(Func):
    """A row for each element of an array."""

    function = "unnest"
    set_returning = True


class _CountOf(Subquery):
    """How many rows a query finds, as a value in another one."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field: Any = BigIntegerField()
