"""Objects of the platform's storage by signed address.

Workers and browsers read and write single objects with an address that is good for one method, one object and a
while; bytes pass through the platform only for the file system storage, which `common.files.asgi` serves.
"""

from django.conf import settings

from common.objectstores import Download, Grant, ObjectMissing
from common.objectstores.platform import platform_store

SHOWN_INLINE = frozenset(
    {
        "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp",
        "audio/mpeg", "audio/wav", "audio/flac", "audio/ogg", "audio/mp4", "video/mp4", "video/webm",
    }
)  # fmt: skip
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
    return platform_store().grant_get(download, base_url=base_url)


def presign_put(
    name: str, *, base_url: str, size_bytes: int | None = None, lifetime_seconds: int | None = None
) -> Grant:
    """A request that writes the object `name`, of at most `size_bytes` bytes where the storage can enforce it."""
    lifetime = lifetime_seconds or settings.FILE_URL_LIFETIME_SECONDS
    return platform_store().grant_put(
        name, size_bytes=size_bytes, lifetime_seconds=lifetime, base_url=base_url
    )


def read_start(name: str, most_bytes: int) -> bytes:
    """At most the first bytes of an object, without fetching the rest. Raises `FileNotFoundError`."""
    try:
        return b"".join(platform_store().read(name, most_bytes=most_bytes))
    except ObjectMissing as error:
        raise FileNotFoundError(name) from error
