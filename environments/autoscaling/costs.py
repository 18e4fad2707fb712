"""What machines cost. Pure."""

from datetime import datetime
from decimal import Decimal

_SECONDS_PER_HOUR = Decimal(3600)


def cost_of(price_per_hour: Decimal, start: datetime, end: datetime) -> Decimal:
    """By the second; nothing for what ended before it began."""
    seconds = Decimal(max(0.0, (end - start).total_seconds()))
    return price_per_hour * seconds / _SECONDS_PER_HOUR
