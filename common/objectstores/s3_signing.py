"""Addresses that read objects of S3, signed without the general machinery of Amazon's client.

The client takes milliseconds for each: it builds and judges a whole request. Of the addresses of one bucket only the key,
what is presented and the time differ, so that the client signs one, and the others are made after it.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from weakref import WeakKeyDictionary

_ALGORITHM = "AWS4-HMAC-SHA256"
_PARAMETERS = {
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
}
_SAMPLE_KEY = "k"


@dataclass(frozen=True)
class ReadSigner:
    """Signs GETs of one bucket, with Amazon's version 4 in the query."""

    start: str
    """What every address begins with, up to the key."""
    region: str
    credentials: Any
    """Those of the client: they may be refreshed meanwhile."""

    @classmethod
    def like(cls, client: Any, bucket: str) -> "ReadSigner | None":
        """One that makes what `client` would; None where the client signs in another way, or has no credentials."""
        credentials = client._request_signer._credentials
        if credentials is None:
            return None
        parts = urlsplit(
            client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": _SAMPLE_KEY})
        )
        query = parse_qs(parts.query)
        known = set(query) <= _PARAMETERS and query.get("X-Amz-SignedHeaders") == ["host"]
        if not known or query.get("X-Amz-Algorithm") != [_ALGORITHM] or not parts.path.endswith(_SAMPLE_KEY):
            return None
        start = f"{parts.scheme}://{parts.netloc}{parts.path[: -len(_SAMPLE_KEY)]}"
        return cls(start, query["X-Amz-Credential"][0].split("/")[2], credentials)

    def address(
        self, key: str, presented: dict[str, str], lifetime_seconds: int, now: datetime | None = None
    ) -> str:
        """`presented` are parameters of the query, such as `response-content-type`."""
        given = self.credentials.get_frozen_credentials()
        moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        query = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{given.access_key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(lifetime_seconds),
            "X-Amz-SignedHeaders": "host",
            **({"X-Amz-Security-Token": given.token} if given.token else {}),
            **presented,
        }
        url = self.start + quote(key, safe="/~")
        parts = urlsplit(url)
        written = "&".join(f"{name}={quote(query[name], safe='-_.~')}" for name in sorted(query))
        canonical = f"GET\n{parts.path}\n{written}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}"
        signature = hmac.new(self._key(given.secret_key, moment[:8]), text.encode(), hashlib.sha256)
        return f"{url}?{written}&X-Amz-Signature={signature.hexdigest()}"

    def _key(self, secret: str, day: str) -> bytes:
        key = f"AWS4{secret}".encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key


_known: WeakKeyDictionary[Any, dict[str, ReadSigner | None]] = WeakKeyDictionary()


def read_signer(client: Any, bucket: str) -> ReadSigner | None:
    """`ReadSigner.like`, asked once for each client and bucket."""
    signers = _known.setdefault(client, {})
    if bucket not in signers:
        signers[bucket] = ReadSigner.like(client, bucket)
    return signers[bucket]
