"""The conditional updates of enrolment: the database decides every race, the row count says who won."""

from datetime import datetime

from django.db.models import F, Q

from environments.enrolment.models import EnrolmentToken, WorkerCredential
from environments.enrolment.types import ALIVE, Presence


def spend(token: EnrolmentToken, now: datetime) -> bool:
    """Use the token for one machine. False when it is used up, over or revoked."""
    good = EnrolmentToken.objects.filter(
        pk=token.pk, used__lt=F("uses"), revoked_at__isnull=True, expires_at__gt=now
    )
    return good.update(used=F("used") + 1, updated_at=now) == 1


def take_identity(credential: WorkerCredential, presence: Presence, now: datetime) -> bool:
    """`presence` speaks for the identity from now on. False while somebody else does.

    Somebody else has gone when they said so, were silent for `ALIVE`, or when the agent of the same machine has just
    started: a directory has one agent, so that the one before has ended.
    """
    goes_on = Q(instance=presence.instance, turn__lt=presence.turn)
    free = Q(instance="") | Q(heard_at__isnull=True) | Q(heard_at__lt=now - ALIVE)
    if presence.turn == 1:
        free |= Q(boot_id=presence.boot_id)
    takes_over = free & ~Q(instance=presence.instance)
    row = WorkerCredential.objects.filter(goes_on | takes_over, pk=credential.pk, revoked_at__isnull=True)
    changed = row.update(
        instance=presence.instance,
        boot_id=presence.boot_id,
        turn=presence.turn,
        heard_at=now,
        updated_at=now,
    )
    return changed == 1


def leave(credential: WorkerCredential, instance: str, now: datetime) -> None:
    """The agent ends: whoever starts next need not wait."""
    WorkerCredential.objects.filter(pk=credential.pk, instance=instance).update(instance="", updated_at=now)


def note_clone(credential: WorkerCredential, host: str, now: datetime) -> None:
    WorkerCredential.objects.filter(pk=credential.pk).update(clone_host=host, clone_at=now, updated_at=now)


def revoke_token(token: EnrolmentToken, now: datetime) -> bool:
    return EnrolmentToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now) == 1


def revoke_worker(credential: WorkerCredential, now: datetime) -> bool:
    return (
        WorkerCredential.objects.filter(pk=credential.pk, revoked_at__isnull=True).update(revoked_at=now) == 1
    )
