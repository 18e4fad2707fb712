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
        self.limit = self.get_limit(request) or self.default_limit
        self.offset = self.get_offset(request)
        self.counted = not boolean(request.query_params.get("no_count"))
        rows = list(queryset[self.offset : self.offset + self.limit + 1])
        self._has_more = len(rows) > self.limit
        is_last_page = not self._has_more and (rows or not self.offset)
        self.count = self.offset + len(rows) if is_last_page or not self.counted else self._count(queryset)
        return rows[: self.limit]

    def get_next_link(self) -> str | None:
        if not self._has_more:
            return None
        self.count = max(self.count or 0, self.offset + self.limit + 1)
        return super().get_next_link()

    def _count(self, queryset: Any) -> int:
        key = self._count_key()
        known = cache.get(key)
        if known is not None:
            return int(known)
        count = int(queryset.order_by().prefetch_related(None).count())
        if count >= LARGE_COUNT:
            cache.set(key, count, REMEMBERED_SECONDS)
        return count

    def _count_key(self) -> str:
        """The same user asking the same question."""
        asked = sorted(
            (k, v) for k, values in self.request.query_params.lists() for v in values if k not in _NOT_COUNTED
        )
        text = repr((self.request.user.pk, asked))
        return f"executions:count:{hashlib.sha256(text.encode()).hexdigest()}"
