"""Two browsers of one user set up the second factor at the same moment, in real transactions."""

import threading
from typing import Any

import pytest
from django.db import connection

from accounts import services, totp
from accounts.models import User
from accounts.selectors import has_2fa
from audit.models import AuditEvent
from common import clock
from common.errors import DomainError
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_beginning_again_does_not_switch_off_what_was_just_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    alice = factories.make_user("alice")

    def begin() -> None:
        services.begin_two_factor(user=User.objects.get(pk=alice.pk), password=factories.PASSWORD, address="")

    begin()
    code = totp.code_at(alice.totp_device.seed, clock.now())
    confirming = threading.Thread(target=confirm, args=(alice.pk, code))
    new_seed = totp.new_seed

    def meanwhile() -> Any:
        """The second browser has seen that it is off, and has written nothing yet."""
        confirming.start()
        confirming.join(1)
        return new_seed()

    monkeypatch.setattr(totp, "new_seed", meanwhile)
    begin()
    confirming.join(30)
    assert AuditEvent.objects.filter(kind="user.two_factor_enabled").exists() == has_2fa(alice)


def confirm(user_id: int, code: str) -> None:
    try:
        services.confirm_two_factor(user=User.objects.get(pk=user_id), code=code, address="")
    except DomainError:
        pass  # the seed is another one by now
    finally:
        connection.close()
