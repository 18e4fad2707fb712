"""Says in words which limit holds an execution back, and how many wait for the same one before it. Pure.

Everybody who sees the project reads these words: they name neither the creator nor the team.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from uuid import UUID

from executions.scheduling.limits import Limit, Places, Quota
from executions.scheduling.lines import Line, in_turn


def explain(lines: Iterable[Line], places: Places) -> dict[UUID, str]:
    """Why each of those waits that are left in the lines when the places are dealt."""
    held: dict[Quota, list[Line]] = defaultdict(list)
    for line in lines:
        if line.waiting:
            held[line.held_by(places)].append(line)
    return {
        pk: text
        for quota, lines_of_quota in held.items()
        for pk, text in _explain(lines_of_quota, words(quota, places.limits.name), quota.limit)
    }


def _explain(lines: list[Line], why: str, limit: Limit) -> Iterable[tuple[UUID, str]]:
    if limit in {Limit.SWITCHED_OFF, Limit.TEAM_BLOCKED}:
        return [(execution.id, why) for line in lines for execution in line.waiting]
    return [(execution.id, f"{why} {before(n)}") for n, execution in enumerate(in_turn(lines))]


def words(quota: Quota, environment: str) -> str:
    places = "place is" if quota.allowed == 1 else "places are"
    taken = f"{quota.taken} of {quota.allowed} {places} taken."
    match quota.limit:
        case Limit.SWITCHED_OFF:
            return f"Environment '{environment}' is switched off."
        case Limit.TEAM_BLOCKED:
            return (
                f"Its team may not run anything in environment '{environment}': the team's quota there is 0."
            )
        case Limit.USER_QUOTA:
            return f"Its creator's quota in environment '{environment}' is used: {taken}"
        case Limit.TEAM_QUOTA:
            return f"Its team's quota in environment '{environment}' is used: {taken}"
        case Limit.CAPACITY:
            return f"Environment '{environment}' is full: {taken}"


@cache
def before(number: int) -> str:
    """How many are before it as things stand: whose turn it is follows who holds how many places.

    Large numbers are rounded down, so that a long line is not rewritten at every step of its head.
    """
    if number == 0:
        return "No execution is before it now."
    rounded = number if number <= 10 else number // 10 * 10 if number < 100 else number // 100 * 100
    amount = str(number) if rounded == number else f"More than {rounded}"
    return f"{amount} {'execution is' if number == 1 else 'executions are'} before it now."
