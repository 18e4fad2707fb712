"""Pages of executions. Counting a hundred thousand rows takes longer than reading a page of them, so that large counts are
remembered for a few seconds; whether there is a next page is always read from the rows themselves."""

import hashlib
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request

from common.rest.pagination import LimitOffsetPagination
from common.rest.params import boolean

LARGE_COUNT = 5_000
REMEMBERED_SECONDS = 10
_NOT_COUNTED = {"limit", "offset", "ordering", "include", "exclude", "no_count"}


class ExecutionPagination(LimitOffsetPagination):
    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        limit = self.limit = self.get_limit(request) or self.default_limit
        offset = self.offset = self.get_offset(request)
        self.counted = not boolean(request.query_params.get("no_count"))
        rows = list(queryset[offset : offset + limit + 1])
        self._has_more = len(rows) > limit
        is_last_page = not self._has_more and (rows or not offset)
        self.count = offset + len(rows) if is_last_page or not self.counted else _count(queryset, request)
        if self._has_more:
            # The base class makes the link to the next page from the count, which may be a few seconds old.
            self.count = max(self.count, offset + limit + 1)
        return rows[:limit]

    def get_next_link(self) -> str | None:
        return super().get_next_link() if self._has_more else None


def _count(queryset: Any, request: Request) -> int:
    key = _count_key(request)
    known = cache.get(key)
    if known is not None:
        return int(known)
    count = int(queryset.order_by().prefetch_related(None).count())
    if count >= LARGE_COUNT:
        cache.set(key, count, REMEMBERED_SECONDS)
    return count


def _count_key(request: Request) -> str:
    """The same user asking the same question."""
    asked = sorted(
        (k, v) for k, values in request.query_params.lists() for v in values if k not in _NOT_COUNTED
    )
    digest = hashlib.sha256(repr((request.user.pk, asked)).encode()).hexdigest()
    return f"executions:count:{digest}"
