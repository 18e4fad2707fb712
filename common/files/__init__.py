"""Objects of the platform's storage by signed address.

Workers and browsers read and write single objects with an address that is good for one method, one object and a
while; bytes pass through the platform only for the file system storage, which `common.files.asgi` serves.
"""

from django.conf import settings
from django.core.files.storage import storages

from common.files.backends import backend_for
from common.files.types import Backend, Download, Grant

SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
"""What a browser can show without anything in it running. SVG is a document that can carry scripts."""

__all__ = ["SHOWN_INLINE", "Grant", "presign_get", "presign_put", "read_start"]


def presign_get(
    name: str,
    *,
    filename: str,
    base_url: str,
    content_type: str = "application/octet-stream",
    inline: bool = False,
    lifetime_seconds: int | None = None,
) -> Grant:
    """A request that reads the object `name`. `base_url` is the scheme and host by which the caller reached us.

    With `inline` a browser shows the object instead of saving it; only for the types in `SHOWN_INLINE`.
    """
    if inline and content_type not in SHOWN_INLINE:
        raise ValueError(f"{content_type} is not safe to show; these are: {', '.join(sorted(SHOWN_INLINE))}")
    lifetime = lifetime_seconds or settings.FILE_URL_LIFETIME_SECONDS
    download = Download(name, filename, content_type, inline, lifetime)
    return _backend().get(download, base_url)


def presign_put(
    name: str, *, base_url: str, size_bytes: int | None = None, lifetime_seconds: int | None = None
) -> Grant:
    """A request that writes the object `name`, of at most `size_bytes` bytes where the storage can enforce it."""
    lifetime = lifetime_seconds or settings.FILE_URL_LIFETIME_SECONDS
    return _backend().put(name, size_bytes, lifetime, base_url)


def read_start(name: str, most_bytes: int) -> bytes:
    """At most the first bytes of a non-empty object, without fetching the rest. Raises `FileNotFoundError`."""
    return _backend().read_start(name, most_bytes)


def _backend() -> Backend:
    return backend_for(storages["default"])
