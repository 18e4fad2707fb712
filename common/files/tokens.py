"""The signed half of a `/files/` address: which object, which method, until when.

The file name at the end of the address is part of what is signed, so that nobody can hand on a file under another name.
"""

from dataclasses import dataclass
from typing import Any

from django.core import signing

from common.errors import DomainError


class AddressInvalid(DomainError):
    """The address was not made by this installation, or not for this."""

    code = "address_invalid"
    http_status = 403


class AddressExpired(DomainError):
    code = "address_expired"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("This address has expired. Ask for a new one.")


@dataclass(frozen=True)
class FileToken:
    method: str
    name: str
    expires_at: int  # Unix seconds
    content_type: str = "application/octet-stream"
    inline: bool = False
    size_bytes: int | None = None
    upload_id: str = ""
    """Of an upload in parts; then `part_number` and `offset` say which part of the object is written."""
    part_number: int = 0
    offset: int = 0


def sign(token: FileToken, filename: str) -> str:
    payload = [
        token.method,
        token.name,
        token.expires_at,
        token.content_type,
        int(token.inline),
        token.size_bytes,
        token.upload_id,
        token.part_number,
        token.offset,
    ]
    return signing.dumps(payload, salt=_salt(filename), compress=True)


def verify(text: str, filename: str, *, method: str, now: float) -> FileToken:
    """The token of an address. Raises `AddressInvalid` or `AddressExpired`."""
    try:
        payload: list[Any] = signing.loads(text, salt=_salt(filename))
    except signing.BadSignature as error:
        raise AddressInvalid("This address was not made by this installation.") from error
    signed_method, name, expires_at, content_type, inline, *upload = payload
    if signed_method != method:
        raise AddressInvalid(f"This address is good for {signed_method} only.")
    if expires_at < now:
        raise AddressExpired
    return FileToken(signed_method, name, expires_at, content_type, bool(inline), *upload)


def _salt(filename: str) -> str:
    return f"common.files:{filename}"
