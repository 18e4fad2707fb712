"""Reading the log: newest first, page by page, never counted. Who may read which rows is decided by higher apps
(`organizations.audit_access`), which know roles; they start from the functions here."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db.models import Q, QuerySet

from audit.models import AuditEvent
from audit.types import Position, Wanted

_AT_ONCE = 1000
_LARGEST_ID = 2**63 - 1


def all_events() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.all()


def concerning(owner_ids: Iterable[int]) -> QuerySet[AuditEvent]:
    """What happened to things of any of these owners (users or organizations)."""
    ids = list(owner_ids)
    if len(ids) == 1:
        return AuditEvent.objects.filter(owner_ids__contains=ids)
    return AuditEvent.objects.filter(owner_ids__overlap=ids)


def of_project(project_id: UUID) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(project_id=project_id)


def matching(events: QuerySet[AuditEvent], wanted: Wanted) -> QuerySet[AuditEvent]:
    if wanted.since:
        events = events.filter(created_at__gte=wanted.since)
    if wanted.until:
        events = events.filter(created_at__lt=wanted.until)
    if wanted.kind:
        within = {"kind": wanted.kind} if "." in wanted.kind else {"kind__startswith": f"{wanted.kind}."}
        events = events.filter(**within)
    if wanted.actor:
        events = events.filter(_by_actor(wanted.actor))
    if wanted.project:
        events = events.filter(_in_project(wanted.project))
    for word in wanted.text.split():
        events = events.filter(
            Q(kind__icontains=word)
            | Q(target_name__icontains=word)
            | Q(actor_name__icontains=word)
            | Q(project_name__icontains=word)
        )
    return events


def page_of(
    events: QuerySet[AuditEvent], before: Position | None, size: int
) -> tuple[list[AuditEvent], Position | None]:
    """The newest rows, or those older than `before`; and where the next page begins, None after the last one."""
    rows = list(_older(events, before).order_by("-created_at", "-id")[: size + 1])
    shown = rows[:size]
    return shown, Position(shown[-1].created_at, shown[-1].pk) if len(rows) > size else None


def every(events: QuerySet[AuditEvent]) -> Iterator[AuditEvent]:
    """All rows, read by and by, each time with a short query: an export of millions holds no transaction open."""
    before: Position | None = None
    while True:
        rows, before = page_of(events, before, _AT_ONCE)
        yield from rows
        if before is None:
            return


def kinds_lately(events: QuerySet[AuditEvent]) -> list[str]:
    """The kinds of the newest of these rows: what others do does not show in what there is to choose from."""
    newest = events.order_by("-created_at", "-id").values_list("kind", flat=True)[:_AT_ONCE]
    return sorted(set(newest))


def _older(events: QuerySet[AuditEvent], before: Position | None) -> QuerySet[AuditEvent]:
    if before is None:
        return events
    same_moment = Q(created_at=before.created_at, id__lt=before.id)
    return events.filter(Q(created_at__lt=before.created_at) | same_moment, created_at__lte=before.created_at)


def _by_actor(text: str) -> Q:
    named = Q(actor_name__iexact=text)
    if text.isascii() and text.isdigit() and int(text) <= _LARGEST_ID:
        named |= Q(actor_id=int(text))
    return named


def _in_project(text: str) -> Q:
    try:
        return Q(project_id=UUID(text))
    except ValueError:
        return Q(project_name__iexact=text) if "/" in text else Q(project_name__iendswith=f"/{text}")
