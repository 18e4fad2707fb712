"""Pages that talk to other origins: each says which, everything else stays forbidden by the Content-Security-Policy."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.http import HttpResponse


def allow_origins(response: HttpResponse, urls: Iterable[str]) -> HttpResponse:
    """Let the page fetch from, upload to and show images, sound and video of the origins of these addresses."""
    parts = [urlsplit(url) for url in urls]
    origins = sorted({f"{part.scheme}://{part.netloc}" for part in parts if part.netloc})
    if origins:
        # What django-csp's decorator `csp_update` sets, which takes only what is known beforehand.
        kinds = ("connect-src", "img-src", "media-src")
        response._csp_update = dict.fromkeys(kinds, origins)  # type: ignore[attr-defined]
    return response
