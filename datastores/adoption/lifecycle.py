"""The only place that changes the state of an adoption. Every change is one conditional update; the row count says who won.

waiting -> running -> complete | failed
waiting, running -> cancelled
"""

from datetime import datetime
from uuid import UUID

from common import clock
from datastores.models import Adoption

State = Adoption.State
UNFINISHED = (State.WAITING, State.RUNNING)


def begin(adoption_id: UUID) -> Adoption | None:
    """The adoption, running from now on if it was not; None when it is finished or gone."""
    Adoption.objects.filter(pk=adoption_id, state=State.WAITING).update(state=State.RUNNING)
    running = Adoption.objects.filter(pk=adoption_id, state=State.RUNNING)
    running.update(progressed_at=clock.now())
    return running.select_related("project__owner", "store", "creator").first()


def complete(adoption_id: UUID) -> bool:
    return _end(adoption_id, (State.RUNNING,), State.COMPLETE)


def fail(adoption_id: UUID, problem: str) -> bool:
    return _end(adoption_id, UNFINISHED, State.FAILED, problem)


def cancel(adoption_id: UUID) -> bool:
    return _end(adoption_id, UNFINISHED, State.CANCELLED)


def stalled(before: datetime) -> list[UUID]:
    """Unfinished and not heard of since: whoever worked on them is gone, or the broker has lost them."""
    quiet = Adoption.objects.filter(state__in=UNFINISHED, progressed_at__lt=before)
    return list(quiet.order_by("progressed_at").values_list("pk", flat=True)[:100])


def _end(adoption_id: UUID, states: tuple[str, ...], state: str, problem: str = "") -> bool:
    ended = Adoption.objects.filter(pk=adoption_id, state__in=states)
    return ended.update(state=state, problem=problem[:2000], ended_at=clock.now()) == 1
