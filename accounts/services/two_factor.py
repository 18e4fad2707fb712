"""Two-factor authentication: an authenticator app, with recovery codes for when it is lost."""

from datetime import timedelta

from django.db import transaction

from accounts import letters, totp
from accounts.errors import NotSuperuser, Throttled, TwoFactorState, WrongCode
from accounts.models import RecoveryCode, TotpDevice, User
from accounts.selectors import has_2fa, organization_ids
from accounts.services.passwords import confirm_password
from accounts.throttling import CODES
from audit.selectors import all_events
from audit.services import record
from common import clock, notices

BY_APP, BY_RECOVERY_CODE = "code", "recovery code"
FAILURES = SIGN_IN_FAILED, CONFIRMATION_FAILED = "user.sign_in_failed", "user.confirmation_failed"
WRONG_CODE = {"refused": "second factor"}
"""What the event of a wrong code says; that of a wrong password says something else."""


def accept_code(*, user: User, code: str, address: str, failure: str) -> str:
    """Use up a code of the app or a recovery code; how it was proved. Raises `WrongCode`, `Throttled`.

    A wrong one is written into the audit log as an event of the kind `failure`, one of `FAILURES`.
    """
    attempt = CODES.count(user.username, address)
    with transaction.atomic():
        # One attempt at a time, so that each sees the rows of those before it.
        TotpDevice.objects.select_for_update().filter(user=user).first()
        _refuse_guesser(user)
        how = _use(user, code)
        if how is None:
            _record_wrong_code(user, failure)
    if how is None:
        raise WrongCode
    attempt.forgive()
    return how


def begin_two_factor(*, user: User, password: str, address: str) -> TotpDevice:
    """A seed to show to the app. It counts once `confirm_two_factor` has seen a code of it."""
    confirm_password(user=user, password=password, address=address)
    with transaction.atomic():
        _lock(user)
        _require(user, on=False)
        device, _ = TotpDevice.objects.update_or_create(
            user=user, defaults={"seed": totp.new_seed(), "confirmed_at": None, "last_used_step": 0}
        )
    return device


@transaction.atomic
def confirm_two_factor(*, user: User, code: str, address: str) -> list[str]:
    """From now on logins need a code. The recovery codes, which are not kept in readable form.

    Raises `WrongCode` and `TwoFactorState`.
    """
    _lock(user)
    device = TotpDevice.objects.filter(user=user, confirmed_at__isnull=True).first()
    if device is None:
        raise TwoFactorState("Two-factor authentication is on already, or its setup has not begun.")
    now = clock.now()
    step = totp.matching_step(device.seed, _digits(code), now)
    if step is None:
        raise WrongCode
    pending = TotpDevice.objects.filter(user=user, confirmed_at__isnull=True)
    if not pending.update(confirmed_at=now, last_used_step=step):
        raise TwoFactorState("Two-factor authentication is on already.")
    codes = _replace_recovery_codes(user)
    _tell(user, "user.two_factor_enabled", user, address, "Two-factor authentication was switched on")
    return codes


def renew_recovery_codes(*, user: User, password: str, code: str, address: str) -> list[str]:
    """Ten new recovery codes; the old ones no longer work."""
    _prove(user, password, code, address)
    with transaction.atomic():
        codes = _replace_recovery_codes(user)
        _tell(user, "user.recovery_codes_renewed", user, address, "New recovery codes were made")
    return codes


def disable_two_factor(*, user: User, password: str, code: str, address: str) -> None:
    """From now on the password is enough."""
    _prove(user, password, code, address)
    _remove(user, user, address)


def remove_two_factor(*, user: User, actor: User) -> None:
    """A superuser helps somebody who has lost both the app and the recovery codes."""
    if not actor.is_superuser:
        raise NotSuperuser
    _require(user, on=True)
    _remove(user, actor, "")


@transaction.atomic
def _remove(user: User, actor: User, address: str) -> None:
    TotpDevice.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    _tell(user, "user.two_factor_disabled", actor, address, "Two-factor authentication was switched off")


def _lock(user: User) -> None:
    """Beginning again does not undo what is confirmed at the same moment."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _prove(user: User, password: str, code: str, address: str) -> None:
    confirm_password(user=user, password=password, address=address)
    _require(user, on=True)
    accept_code(user=user, code=code, address=address, failure=CONFIRMATION_FAILED)


def _refuse_guesser(user: User) -> None:
    """Raise `Throttled` after too many wrong codes by the audit log, which knows them also while Redis is away."""
    window = timedelta(seconds=CODES.window_seconds)
    wrong = all_events().filter(
        kind__in=FAILURES,
        target_kind="user",
        target_id=str(user.pk),
        created_at__gt=clock.now() - window,
        after=WRONG_CODE,
    )
    if wrong.count() >= CODES.per_account:
        raise Throttled(CODES.what, CODES.window_seconds // 60)


def _record_wrong_code(user: User, failure: str) -> None:
    actor = None if failure == SIGN_IN_FAILED else user
    record(failure, actor=actor, target=user, after=WRONG_CODE, also_for=organization_ids(user))


def _require(user: User, *, on: bool) -> None:
    if has_2fa(user) != on:
        raise TwoFactorState(f"Two-factor authentication is {'off' if on else 'on'} already.")


@transaction.atomic
def _use(user: User, code: str) -> str | None:
    digits = _digits(code)
    if digits.isdecimal():
        return BY_APP if _use_of_app(user, digits) else None
    unused = RecoveryCode.objects.filter(user=user, digest=totp.recovery_digest(code), used_at__isnull=True)
    if not has_2fa(user) or not unused.update(used_at=clock.now()):
        return None
    left = RecoveryCode.objects.filter(user=user, used_at__isnull=True).count()
    record(
        "user.recovery_code_used",
        actor=user,
        target=user,
        after={"left": left},
        also_for=organization_ids(user),
    )
    return BY_RECOVERY_CODE


def _use_of_app(user: User, code: str) -> bool:
    """Whether the code is right and was not used before: of two that come with one code, the row count lets in one."""
    device = TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).first()
    step = totp.matching_step(device.seed, code, clock.now()) if device else None
    if device is None or step is None:
        return False
    unused = TotpDevice.objects.filter(user=user, confirmed_at=device.confirmed_at, last_used_step__lt=step)
    return unused.update(last_used_step=step) == 1


def _replace_recovery_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = totp.new_recovery_codes()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=totp.recovery_digest(code)) for code in codes
    )
    return codes


def _digits(code: str) -> str:
    """Apps show `123 456`."""
    return "".join(code.split())


def _tell(user: User, kind: str, actor: User, address: str, what: str) -> None:
    record(kind, actor=actor, target=user, also_for=organization_ids(user))
    letters.security_change(user=user, what=f"{what} for your account", address=address)
    # What organizations that require two factors let the user see has changed.
    notices.publish_on_commit(f"access:{user.pk}", "changed")
