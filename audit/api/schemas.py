"""The shape of a row of the log, and the parameters that ask for rows."""

from datetime import datetime, time, timedelta
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import get_current_timezone, is_naive, make_aware
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from audit.types import Wanted
from common.errors import DomainError

PARAMETERS = [
    OpenApiParameter("organization", OpenApiTypes.STR, description="Id or name: what concerns it. For owners."),
    OpenApiParameter("project", OpenApiTypes.STR, description="Id: what happened there. For administrators."),
    OpenApiParameter("actor", OpenApiTypes.STR, description="Id or name of who did it."),
    OpenApiParameter("kind", OpenApiTypes.STR, description="`project.renamed`, or `project` for all of them."),
    OpenApiParameter("from", OpenApiTypes.STR, description="A day or a moment (ISO 8601); it belongs to it."),
    OpenApiParameter("to", OpenApiTypes.STR, description="A day, which belongs to it, or a moment."),
    OpenApiParameter("search", OpenApiTypes.STR, description="Words in kind, names and projects."),
]  # fmt: skip


class MomentRefused(DomainError):
    def __init__(self, text: str, field: str) -> None:
        super().__init__(
            f"'{text[:40]}' is no day such as 2026-01-31 and no moment such as 2026-01-31T12:00:00Z.",
            field=field,
        )


class ActorShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class TargetShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()


class AuditProjectShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class AuditSourceShape(serializers.Serializer[Any]):
    ip_address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()
    token_hint = serializers.CharField()


class AuditEventShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    ctime = serializers.DateTimeField()
    kind = serializers.CharField()
    actor = ActorShape(allow_null=True)
    target = TargetShape()
    project = AuditProjectShape(allow_null=True)
    before = serializers.DictField()
    after = serializers.DictField()
    channel = serializers.CharField()
    source = AuditSourceShape(allow_null=True)  # type: ignore[assignment]  # the name says it best


def wanted(request: Request) -> Wanted:
    """What the query asks for, apart from organization and project. Raises `MomentRefused`."""

    def given(name: str) -> str:
        return request.query_params.get(name, "").replace("\0", "").strip()[:200]

    return Wanted(
        since=_moment(given("from"), "from"),
        until=_moment(given("to"), "to", end=True),
        kind=given("kind"),
        actor=given("actor"),
        text=given("search"),
    )


def _moment(text: str, field: str, *, end: bool = False) -> datetime | None:
    """A day means its beginning or, with `end`, its end."""
    if not text:
        return None
    try:
        day = parse_date(text)
        moment = None if day else parse_datetime(text)
        if day:
            whole = day + timedelta(days=1) if end else day
            moment = datetime.combine(whole, time.min, get_current_timezone())
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise MomentRefused(text, field)
    return make_aware(moment) if is_naive(moment) else moment
