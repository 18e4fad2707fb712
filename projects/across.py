"""Rows of every project that somebody sees, in the order of their age, at a cost that follows what they see and not what the
installation holds (docs/scale.md)."""

from typing import Any, Generic, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Func, Model, OuterRef, Q, QuerySet, Subquery, Sum, UUIDField

from accounts.models import User
from organizations.access import visible_to
from projects.models import Project

Row = TypeVar("Row", bound=Model)

WINDOW = 2_000
_WINDOW_OF_PAGES = 10


class AcrossProjects(Generic[Row]):
    """`rows` are filtered but neither ordered nor kept from anybody; they have a foreign key `project` and ids in time order.

    Pages are slices, as of a QuerySet. Who sees much finds a page among the newest rows of the whole installation; only
    so many of these are looked at. Who does not is asked project by project, which takes an index on `project, -id`.
    """

    def __init__(self, user: User | AnonymousUser, rows: QuerySet[Row], *, newest_first: bool = True) -> None:
        self._rows = rows
        self._order = "-pk" if newest_first else "pk"
        self._everything = isinstance(user, User) and user.is_active and user.is_superuser
        self._visible = visible_to(user)

    def __getitem__(self, wanted: slice) -> QuerySet[Row]:
        if self._everything:
            return self._ordered(self._rows)[wanted]
        page = self._in_window(wanted)
        return page if page is not None else self._project_by_project(wanted)

    def count(self) -> int:
        if self._everything:
            return self._rows.count()
        of_project = self._of_project().values("pk")
        found = self._projects().aggregate(number=Sum(_CountOf(of_project)))
        return int(found["number"] or 0)

    def _in_window(self, wanted: slice) -> QuerySet[Row] | None:
        """The page, when the rows at this end of time fill it: then no other row comes before any of them."""
        size = max(WINDOW, wanted.stop * _WINDOW_OF_PAGES)
        ids = self._rows.model._default_manager.order_by(self._order).values_list("pk", flat=True)
        edge = ids[size : size + 1].first()
        if edge is None:
            return None
        within = Q(pk__gte=edge) if self._order == "-pk" else Q(pk__lte=edge)
        page = self._ordered(self._rows.filter(within, project__in=self._projects()))[wanted]
        return page if len(page) == wanted.stop - (wanted.start or 0) else None

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
