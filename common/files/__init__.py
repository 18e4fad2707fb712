"""Objects of the platform's storage by signed address.

Workers and browsers read and write single objects with an address that is good for one method, one object and a
while; bytes do not pass through views of the platform except for the file system storage, which `common.web.files`
serves under the same shape of address.
"""

from django.conf import settings
from django.core.files.storage import storages

from common.files.presigners import presigner_for
from common.files.types import Download, Grant, Presigner

__all__ = ["Grant", "presign_get", "presign_put"]


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

    With `inline` a browser shows the object instead of saving it; only ask for that with a content type that is safe
    to show.
    """
    lifetime = lifetime_seconds or settings.FILE_URL_LIFETIME_SECONDS
    download = Download(name, filename, content_type, inline, lifetime)
    return _presigner().get(download, base_url)


def presign_put(
    name: str, *, base_url: str, size_bytes: int | None = None, lifetime_seconds: int | None = None
) -> Grant:
    """A request that writes the object `name`, of at most `size_bytes` bytes where the storage can enforce it."""
    lifetime = lifetime_seconds or settings.FILE_URL_LIFETIME_SECONDS
    return _presigner().put(name, size_bytes, lifetime, base_url)


def _presigner() -> Presigner:
    return presigner_for(storages["default"])
