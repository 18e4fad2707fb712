"""Which files a rule is about, and which of them would go."""

import re
from datetime import timedelta

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce

from common import clock
from datastores.keeping import never_used, not_held
from datastores.models import Datum, RetentionRule

_WILDCARD = re.compile(r"(\*\*|\*)")


def candidates(rule: RetentionRule) -> QuerySet[Datum]:
    """The files that the rule would purge now, oldest first.

    Never what something holds (see `keeping`), and not what was adopted: its bytes would stay where they are.
    """
    files = Datum.objects.filter(
        project_id=rule.project_id,
        created_at__lt=clock.now() - timedelta(days=rule.min_age_days),
        stored_at__isnull=False,
        purged_at__isnull=True,
        is_adopted=False,
    )
    if rule.store_id:
        files = files.filter(store_id=rule.store_id)
    if rule.tag:
        files = files.filter(tags__contains=[rule.tag])
    if rule.name_pattern:
        files = files.filter(name__regex=regular_expression(rule.name_pattern))
    if rule.only_unused:
        files = never_used(files)
    return not_held(files).order_by("created_at", "pk")


def measure(rule: RetentionRule) -> tuple[int, int]:
    """How many files would go, and how many bytes they have."""
    found = candidates(rule).order_by().aggregate(count=Count("pk"), size=Coalesce(Sum("size_bytes"), 0))
    return int(found["count"]), int(found["size"])


def regular_expression(pattern: str) -> str:
    """As the database understands it. `*` stands for anything within a folder, `**` for anything."""
    parts = (_part(text) for text in _WILDCARD.split(pattern))
    return f"^{''.join(parts)}$"


def _part(text: str) -> str:
    return {"**": ".*", "*": "[^/]*"}.get(text) or re.escape(text)
