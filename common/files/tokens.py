"""The signed half of a `/files/` address: which object, which method, until when."""

from dataclasses import dataclass
from typing import Any

from django.core import signing

_SALT = "common.files"


class AddressInvalid(Exception):
    """The address was not made by this installation, or its time is over."""


@dataclass(frozen=True)
class FileToken:
    method: str
    name: str
    expires_at: int  # Unix seconds
    content_type: str = "application/octet-stream"
    inline: bool = False
    size_bytes: int | None = None


def sign(token: FileToken) -> str:
    payload = [
        token.method,
        token.name,
        token.expires_at,
        token.content_type,
        int(token.inline),
        token.size_bytes,
    ]
    return signing.dumps(payload, salt=_SALT, compress=True)


def verify(text: str, *, method: str, now: float) -> FileToken:
    """The token of an address. Raises `AddressInvalid`."""
    try:
        payload: list[Any] = signing.loads(text, salt=_SALT)
    except signing.BadSignature as error:
        raise AddressInvalid("This address was not made by this installation.") from error
    signed_method, name, expires_at, content_type, inline, size_bytes = payload
    if signed_method != method:
        raise AddressInvalid(f"This address is good for {signed_method} only.")
    if expires_at < now:
        raise AddressInvalid("This address has expired. Ask for a new one.")
    return FileToken(signed_method, name, expires_at, content_type, bool(inline), size_bytes)
