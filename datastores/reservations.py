"""How reservations are told to whoever uploads: workers and browsers read the same shape."""

from typing import Any

from common.objectstores import Grant
from datastores.uploads import Reservation


def reservation_body(reserved: Reservation) -> dict[str, Any]:
    body: dict[str, Any] = {"datum_id": str(reserved.datum.pk), "name": reserved.datum.name}
    if reserved.grant is not None:
        return {**body, **_request(reserved.grant)}
    parts = [
        {"number": part.number, "offset": part.offset, "size": part.size_bytes, **_request(part.grant)}
        for part in reserved.parts
    ]
    return {**body, "parts": parts}


def _request(grant: Grant) -> dict[str, Any]:
    return {"method": grant.method, "url": grant.url, "headers": grant.headers}
