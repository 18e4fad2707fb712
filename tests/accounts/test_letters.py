"""Letters through a real mail server, from the request to the mailbox."""

from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.test import Client
from django.utils.html import escape

from accounts.models import User
from tests.support.factories import PASSWORD
from tests.support.live import free_port

pytestmark = pytest.mark.django_db


class Mailbox:
    """Keeps every letter that the server takes."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], Message]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append((list(envelope.rcpt_tos), BytesParser(policy=default).parsebytes(content)))
        return "250 kept"


@pytest.fixture
def mailbox(settings: Any, letters: Any) -> Iterator[Mailbox]:
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.DEFAULT_FROM_EMAIL = "mlops@example.com"
    yield box
    server.stop()


def test_a_reset_reaches_the_mailbox_and_works(alice: User, mailbox: Mailbox) -> None:
    User.objects.update(first_name="Ann & Alice's <b>")
    Client().post("/auth/reset/", {"email": "alice@example.com"})
    ((to, letter),) = mailbox.letters
    assert to == ["alice@example.com"]
    assert letter["From"] == "mlops@example.com"
    assert letter["Subject"].startswith("Set a new password for")
    body = letter.get_content()  # type: ignore[attr-defined]
    assert "Hello Ann & Alice's <b>" in body, "a letter is text, not markup"
    assert escape("'") not in body
    link = next(line for line in body.splitlines() if "/auth/reset/" in line).split("example.com", 1)[1]
    new = "a completely new secret"
    assert Client().post(link, {"password": new, "again": new}).status_code == 302
    browser = Client()
    assert browser.post("/auth/login/", {"username": "alice", "password": new}).status_code == 302
    assert len(mailbox.letters) == 2


def test_nobody_writes_headers_by_their_name(alice: User, mailbox: Mailbox) -> None:
    User.objects.update(first_name="x\nBcc: victim@example.com")
    browser = Client()
    browser.post("/auth/login/", {"username": "alice", "password": PASSWORD})
    browser.post("/auth/emails/", {"email": "new@example.com", "password": PASSWORD})
    ((to, letter),) = mailbox.letters
    assert to == ["new@example.com"]
    assert letter["Bcc"] is None
