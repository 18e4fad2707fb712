"""Old audit rows go after `settings.AUDIT_RETENTION_DAYS`; the only way by which any row ever goes."""

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction

from audit.models import AuditEvent
from common import clock

BATCH = 10_000


def remove_expired() -> int:
    """Delete what is older than the retention, in batches; how many rows went. 0 days: rows are kept for ever."""
    days = settings.AUDIT_RETENTION_DAYS
    if days <= 0:
        return 0
    removed = 0
    while batch := _remove_batch(days):
        removed += batch
    return removed


@transaction.atomic
def _remove_batch(days: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('audit.retention_days', %s, true)", [str(days)])
    old = AuditEvent.objects.filter(created_at__lt=clock.now() - timedelta(days=days, minutes=1))
    # The minute keeps away from the edge: the trigger compares with the database's clock, not with ours.
    ids = list(old.order_by("created_at").values_list("pk", flat=True)[:BATCH])
    return AuditEvent.objects.filter(pk__in=ids).delete()[0] if ids else 0
