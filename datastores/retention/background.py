"""Celery tasks of retention. Each looks again, and may run twice."""

from uuid import UUID

from celery import shared_task
from django.core.cache import cache

from datastores.models import RetentionRule
from datastores.retention.services import BATCH, purge_batch

_DAY_SECONDS = 24 * 3600


@shared_task
def apply_retention() -> None:
    """Every hour, kicked by the scheduler; once a day it starts every enabled rule."""
    if cache.add("datastores:retention-applied", 1, _DAY_SECONDS):
        for pk in RetentionRule.objects.filter(enabled_at__isnull=False).values_list("pk", flat=True):
            apply_rule.apply_async([str(pk)], retry=False)


@shared_task
def apply_rule(rule_id: str) -> None:
    """One batch, then the next by a task of its own, so that nothing else waits for long."""
    rule = RetentionRule.objects.filter(pk=UUID(rule_id)).first()
    if rule is not None and purge_batch(rule) >= BATCH:
        apply_rule.apply_async([rule_id], retry=False)
