"""More people on a running installation, made and signed in by its own pages."""

import re

import httpx

from accounts import totp
from common import clock
from tests.support.live import LivePlatform

PASSWORD = "a long enough secret"


class Site:
    """The pages as a browser without scripts uses them."""

    def __init__(self, platform: LivePlatform) -> None:
        self.http = httpx.Client(base_url=platform.url, timeout=60, trust_env=False)

    def submit(self, path: str, **fields: str) -> httpx.Response:
        """Fill in the form at `path` and send it; where that leads."""
        self.http.get(path, follow_redirects=True).raise_for_status()
        fields["csrfmiddlewaretoken"] = self.http.cookies["csrftoken"]
        return self.http.post(path, data=fields, follow_redirects=True)

    def log_in(self, username: str, password: str) -> None:
        answer = self.submit("/auth/login/", username=username, password=password)
        assert "/auth/login/" not in str(answer.url), answer.text[:500]


def make_person(platform: LivePlatform, username: str) -> Site:
    """A new user with `PASSWORD` and a verified address at example.com, signed in."""
    administrator = Site(platform)
    administrator.log_in(platform.username, platform.password)
    answer = administrator.submit(
        "/admin/accounts/user/add/", username=username, email=f"{username}@example.com",
        usable_password="true", password1=PASSWORD, password2=PASSWORD,
    )  # fmt: skip
    assert "was added successfully" in answer.text
    person = Site(platform)
    person.log_in(username, PASSWORD)
    return person


def set_up_second_factor(person: Site) -> str:
    """The seed of the person's authenticator app; the code of this moment is used up."""
    page = person.submit("/auth/security/two-factor/", password=PASSWORD)
    found = re.search(r'id="totp-seed">([^<]+)<', page.text)
    assert found, page.text[:500]
    seed = found[1].replace(" ", "")
    answer = person.submit("/auth/security/two-factor/confirm/", code=totp.code_at(seed, clock.now()))
    assert "recovery-codes" in answer.text
    return seed
