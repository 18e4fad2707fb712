"""Durations: what was asked, else the step's, else the installation's; 0 means no limit."""

from datetime import timedelta

from django.conf import settings
from valohai_yaml.objs.step import Step

from executions.spec.faults import Faults

LONGEST_SECONDS = 10 * 366 * 86400


def resolve_time_limit(step: Step, given: float | None, faults: Faults) -> int | None:
    seconds = given if given is not None else _seconds(step.time_limit)
    return _checked("time_limit", seconds or 0, faults)


def resolve_no_output_timeout(step: Step, given: float | None, faults: Faults) -> int | None:
    seconds = given if given is not None else _seconds(step.no_output_timeout)
    if seconds is None:
        seconds = settings.DEFAULT_NO_OUTPUT_TIMEOUT_SECONDS
    return _checked("no_output_timeout", seconds, faults)


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _checked(field: str, seconds: float, faults: Faults) -> int | None:
    if not 0 <= seconds <= LONGEST_SECONDS:
        faults.add(field, f"Use 0 (no limit) to {LONGEST_SECONDS} seconds.")
        return None
    # A fraction of a second is still a limit.
    return max(1, round(seconds)) if seconds else None
