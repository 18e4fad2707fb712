"""Limit/offset pagination as the official clients use it: large limits, optional count, empty pages past the end."""

import hashlib
import time
from collections.abc import Sequence
from typing import Any, Protocol

from django.core.cache import cache
from django.db.models import QuerySet
from rest_framework import pagination
from rest_framework.request import Request
from rest_framework.response import Response

from common.rest.params import boolean

LARGE_COUNT = 5_000
REMEMBERED_SECONDS = 10
MOST_REMEMBERED_SECONDS = 60
_SHARE_OF_COUNTING = 0.01
_NOT_COUNTED = {"limit", "offset", "ordering", "include", "exclude", "no_count"}


class LimitOffsetPagination(pagination.LimitOffsetPagination):
    default_limit = 100
    max_limit = 10_001

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: Any = None
    ) -> list[Any] | None:
        self.counted = not boolean(request.query_params.get("no_count"))
        if self.counted:
            return super().paginate_queryset(queryset, request, view)
        self.request = request
        self.limit = self.get_limit(request) or self.default_limit
        self.offset = self.get_offset(request)
        # One row more than asked for says whether there is a next page without counting.
        rows = list(queryset[self.offset : self.offset + self.limit + 1])
        self.count = self.offset + len(rows)
        return rows[: self.limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "count": self.count if self.counted else None,
                "next": self.get_next_link(),
                "previous": self.get_previous_link(),
                "results": data,
            }
        )


class Countable(Protocol):
    """A QuerySet, or what has as much of one as a page takes."""

    def __getitem__(self, wanted: slice, /) -> Any: ...

    def count(self) -> int: ...


class LongListPagination(LimitOffsetPagination):
    """For lists of hundreds of thousands of rows. Counting them takes longer than reading a page, so that large counts are
    remembered for a while; whether there is a next page is always read from the rows themselves."""

    def paginate_queryset(self, queryset: Countable, request: Request, view: Any = None) -> list[Any]:  # type: ignore[override]
        self.request = request
        limit = self.limit = self.get_limit(request) or self.default_limit
        offset = self.offset = self.get_offset(request)
        self.counted = not boolean(request.query_params.get("no_count"))
        rows = list(queryset[offset : offset + limit + 1])
        self._has_more = len(rows) > limit
        is_last_page = not self._has_more and (rows or not offset)
        self.count = offset + len(rows) if is_last_page or not self.counted else _count(queryset, request)
        if self._has_more:
            # The base class makes the link to the next page from the count, which may be a while old.
            self.count = max(self.count, offset + limit + 1)
        return rows[:limit]

    def get_next_link(self) -> str | None:
        return super().get_next_link() if self._has_more else None


def _count(rows: Countable, request: Request) -> int:
    key = _count_key(request)
    known = cache.get(key)
    if known is not None:
        return int(known)
    began = time.monotonic()
    count = rows.count()
    if count >= LARGE_COUNT:
        # However often it is asked for, counting takes no more than a small share of the time.
        seconds = (time.monotonic() - began) / _SHARE_OF_COUNTING
        cache.set(key, count, min(max(seconds, REMEMBERED_SECONDS), MOST_REMEMBERED_SECONDS))
    return count


def _count_key(request: Request) -> str:
    """The same user asking the same question."""
    asked = sorted(
        (k, v) for k, values in request.query_params.lists() for v in values if k not in _NOT_COUNTED
    )
    digest = hashlib.sha256(repr((request.path, request.user.pk, asked)).encode()).hexdigest()
    return f"count:{digest}"
