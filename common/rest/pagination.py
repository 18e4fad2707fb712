"""Limit/offset pagination as the official clients use it: large limits, optional count, empty pages past the end."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework import pagination
from rest_framework.request import Request
from rest_framework.response import Response

from common.rest.params import boolean


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
