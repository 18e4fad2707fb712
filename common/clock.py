"""The one place that reads the clock, so that decisions take time as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current moment, timezone-aware, in UTC."""
    return datetime.now(UTC)
