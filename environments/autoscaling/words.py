"""What the autoscaler says of what it does. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

_MOST_NAMED = 3


def launch(number: int, waiting: int, minimum: int, maximum: int, running: int) -> str:
    why = (
        f"{many(waiting, 'job')} {'waits' if waiting == 1 else 'wait'}"
        if waiting
        else f"the minimum is {minimum}"
    )
    return f"Starts {many(number, 'machine')}: {why}, {running} of at most {maximum} run."


def ended(number: int, reason: str) -> str:
    return f"{many(number, 'machine').capitalize()}: {reason}"


def idle(grace: timedelta) -> str:
    return f"idle for {span(grace)} or more, and not needed." if grace else "idle, and not needed."


def too_many(maximum: int) -> str:
    return f"too many: the maximum is {maximum}. Running jobs may end."


def never_enrolled(patience: timedelta) -> str:
    return (
        f"its agent was not heard within {span(patience)}. Look at the machine's own log: can it reach the platform and "
        "its Redis, and does the image hold what the agent needs?"
    )


def silent(patience: timedelta) -> str:
    return f"no word of its agent for {span(patience)}; it is replaced when it is needed."


def interrupted(moment: datetime) -> str:
    return f"the provider takes it back at {clock_time(moment)}."


def vanished(why: str) -> str:
    return f"the provider does not have it any more{_because(why)}."


def vanished_early(why: str) -> str:
    return f"it ended before its agent was heard{_because(why)}."


def orphans(provider_ids: Sequence[str]) -> str:
    named = ", ".join(provider_ids[:_MOST_NAMED])
    more = f" and {len(provider_ids) - _MOST_NAMED} more" if len(provider_ids) > _MOST_NAMED else ""
    return f"Ends {many(len(provider_ids), 'machine')} that nobody knows of: {named}{more}."


def held(next_try: datetime, why: str) -> str:
    return f"No machine is started before {clock_time(next_try)}, since the last ones failed: {why or 'see above'}"


def many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def span(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    if seconds % 60 or not seconds:
        return many(seconds, "second")
    return many(seconds // 60, "minute")


def clock_time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"


def _because(why: str) -> str:
    return f": {why.rstrip('.')}" if why else ""
