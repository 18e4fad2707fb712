"""Filters of the data lists."""

from typing import Any

import django_filters
from django.db.models import QuerySet

from common.rest.params import boolean
from datastores.models import Datum


class DatumFilter(django_filters.FilterSet):  # type: ignore[misc]
    project = django_filters.UUIDFilter(field_name="project_id")
    output_execution = django_filters.UUIDFilter(field_name="output_execution_id")
    execution = django_filters.UUIDFilter(field_name="output_execution_id")
    store = django_filters.UUIDFilter(field_name="store_id")
    name = django_filters.CharFilter(field_name="name")
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains")
    tag = django_filters.CharFilter(method="with_tag")
    purged = django_filters.CharFilter(method="with_purged")
    deleted = django_filters.CharFilter(method="with_deleted")
    ordering = django_filters.OrderingFilter(
        fields={"created_at": "ctime", "id": "id", "name": "name", "size_bytes": "size"}
    )

    class Meta:
        model = Datum
        fields: list[str] = []

    def with_tag(self, queryset: QuerySet[Datum], name: str, value: str) -> QuerySet[Datum]:
        return queryset.filter(tags__contains=[value])

    def with_purged(self, queryset: QuerySet[Datum], name: str, value: str) -> QuerySet[Datum]:
        return queryset.filter(purged_at__isnull=not boolean(value))

    def with_deleted(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Records of files are never deleted, so that asking for deleted ones finds nothing."""
        return queryset.none() if boolean(value) else queryset


class AliasFilter(django_filters.FilterSet):  # type: ignore[misc]
    project = django_filters.UUIDFilter(field_name="project_id")
    name = django_filters.CharFilter(field_name="name", lookup_expr="iexact")
    ordering = django_filters.OrderingFilter(
        fields={"created_at": "ctime", "updated_at": "mtime", "name": "name"}
    )
