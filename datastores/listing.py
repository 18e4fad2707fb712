"""Files of one project, newest first, at a cost that does not grow with how many there are or how few match (docs/scale.md)."""

from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import DateTimeField, ExpressionWrapper, F, OrderBy, Q, QuerySet, Value

from datastores.models import Datum
from datastores.searching import Narrowed

WINDOW = 5_000
"""So many of the newest files are looked at before all that match are sorted."""


class ProjectFiles:
    """Pages are slices, as of a QuerySet."""

    def __init__(self, narrowed: Narrowed, *, newest_first: bool = True) -> None:
        self._narrowed = narrowed
        self._newest_first = newest_first

    def __getitem__(self, wanted: slice) -> QuerySet[Datum]:
        start, stop = wanted.start or 0, wanted.stop
        if not self._narrowed.is_filtered or stop > WINDOW:
            return self._skipping(start, stop)
        # What many files have is found among the newest. What few have is found by an index and sorted; PostgreSQL would
        # look for it from the newest file on, too, because it cannot know that none of these has it.
        page = self._ordered(self._near)[start:stop]
        return page if self._edge is None or len(page) == stop - start else self._sorted(start, stop)

    def count(self) -> int:
        return self._narrowed.rows.order_by().count()

    def count_up_to(self, most: int) -> int:
        """How many there are; `most`: so many or more."""
        known = self._narrowed
        if not known.is_filtered:
            return self._ordered(known.rows)[:most].count()
        near = self._near.order_by()[:most].count()
        if near == most or self._edge is None:
            return near
        return known.found.order_by()[:most].count()

    def next_to(self, datum: Datum) -> "ProjectFiles":
        """Those behind the file in this order."""
        behind = "lt" if self._newest_first else "gt"
        # The first half alone is what an index knows, the second decides among files of one moment.
        at_most = Q(**{f"created_at__{behind}e": datum.created_at})
        condition = at_most & (
            Q(**{f"created_at__{behind}": datum.created_at}) | Q(**{f"pk__{behind}": datum.pk})
        )
        known = self._narrowed
        listed = known.listed.filter(condition)
        rows = known.rows.filter(condition) if known.is_filtered else listed
        behind_it = Narrowed(known.shown, listed, rows, known.found.filter(condition))
        return ProjectFiles(behind_it, newest_first=self._newest_first)

    def _skipping(self, start: int, stop: int) -> QuerySet[Datum]:
        """Only ids are read of those that are passed over, and where the index has all that is asked for no row at all."""
        rows = self._ordered(self._narrowed.rows)
        if not start:
            return rows[:stop]
        return self._ordered(self._narrowed.shown.filter(pk__in=rows.values("pk")[start:stop]))

    @cached_property
    def _edge(self) -> datetime | None:
        """When the last file of the window was made; None: all are within."""
        times = self._ordered(self._narrowed.listed).values_list("created_at", flat=True)
        return times[WINDOW : WINDOW + 1].first()

    @property
    def _near(self) -> QuerySet[Datum]:
        rows, edge = self._narrowed.rows, self._edge
        if edge is None:
            return rows
        return rows.filter(created_at__gte=edge) if self._newest_first else rows.filter(created_at__lte=edge)

    def _sorted(self, start: int, stop: int) -> QuerySet[Datum]:
        """In an order of which no index knows, so that PostgreSQL finds those that match first."""
        created = ExpressionWrapper(F("created_at") + Value(timedelta()), output_field=DateTimeField())
        direction = "-pk" if self._newest_first else "pk"
        order = (OrderBy(created, descending=self._newest_first), direction)
        return self._narrowed.found.order_by(*order)[start:stop]

    def _ordered(self, rows: QuerySet[Datum]) -> QuerySet[Datum]:
        return (
            rows.order_by("-created_at", "-pk") if self._newest_first else rows.order_by("created_at", "pk")
        )
