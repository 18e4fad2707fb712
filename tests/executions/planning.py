"""Executions that wait, and what the planner says of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from executions.scheduling.limits import EnvironmentLimits
from executions.scheduling.lines import WaitingExecution
from executions.scheduling.planner import Decisions, Facts, plan

START = datetime(2026, 1, 1, tzinfo=UTC)
ENVIRONMENT, OTHER = UUID(int=1), UUID(int=2)
VISION, SPEECH = UUID(int=11), UUID(int=12)

Taken = dict[tuple[int | None, UUID | None], int]


def waiting(number: int, **fields: object) -> WaitingExecution:
    """The `number`-th second's execution of user 1, for no team."""
    values = {"user": 1, "priority": 0, "environment_id": ENVIRONMENT, **fields}
    return WaitingExecution(
        id=UUID(int=1000 + number), created_at=START + timedelta(seconds=number), **values
    )


def decide(*executions: WaitingExecution, taken: Taken | None = None, **limits: object) -> Decisions:
    admitted = {(ENVIRONMENT, *key): n for key, n in (taken or {}).items()}
    return plan(Facts(executions, {ENVIRONMENT: EnvironmentLimits(ENVIRONMENT, "gpu", **limits)}, admitted))


def planned(*executions: WaitingExecution, **situation: object) -> list[int]:
    return [pk.int - 1000 for pk in decide(*executions, **situation).enqueue]


def reasons(*executions: WaitingExecution, **situation: object) -> dict[int, str]:
    return {pk.int - 1000: text for pk, text in decide(*executions, **situation).waiting_reasons.items()}
