"""The letters of a running installation that has no mail server: files in its data folder."""

import email
import time
from email.policy import default

from tests.support.live import LivePlatform


def wait_for_letter(platform: LivePlatform, to: str, subject: str, seconds: float = 20) -> str:
    """The text of the newest letter to the address whose subject begins so."""
    deadline = time.monotonic() + seconds
    while True:
        files = sorted(
            (platform.data / "mail").glob("*"), key=lambda path: path.stat().st_mtime, reverse=True
        )
        for file in files:
            letter = email.message_from_bytes(file.read_bytes(), policy=default)
            if letter["To"] == to and str(letter["Subject"]).startswith(subject):
                return str(letter.get_content())
        assert time.monotonic() < deadline, f"no letter to {to}"
        time.sleep(0.1)


def link_in(letter: str, part: str) -> str:
    return next(line for line in letter.splitlines() if part in line).strip()
