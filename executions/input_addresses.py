"""Addresses in stores and on the web as inputs: one row for each that executions of a project read from."""

import hashlib
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit, urlunsplit
from uuid import UUID

from datastores.addresses import has_store_scheme, place_in
from datastores.inputs import WEB_SCHEMES
from datastores.selectors import readable_by
from executions.models import InputAddress
from projects.models import Project


def is_address(uri: str) -> bool:
    return has_store_scheme(uri) or uri.lower().startswith(WEB_SCHEMES)


def shown(uri: str) -> str:
    """For people: of an address on the web neither user name and password nor query and fragment, which may hold secrets."""
    if has_store_scheme(uri):
        return uri
    parts = _split(uri)
    return _joined(parts._replace(query="", fragment="")) + ("?…" if parts.query else "")


def digest(uri: str) -> str:
    """Equal for addresses that name the same thing, by whatever password. The query counts: it may name another thing."""
    named = uri if has_store_scheme(uri) else _joined(_split(uri)._replace(fragment=""))
    return hashlib.sha256(named.encode()).hexdigest()


def rows_for(project: Project, uris: Iterable[str]) -> dict[str, UUID]:
    """The id of the row of each address; those that are not there yet are written."""
    digests = {uri: digest(uri) for uri in uris}
    known = _known(project, digests.values())
    new = {digest: uri for uri, digest in digests.items() if digest not in known}
    if new:
        # In one order, so that two executions that bring the same addresses never wait for each other.
        InputAddress.objects.bulk_create(_rows(project, dict(sorted(new.items()))), ignore_conflicts=True)
        known |= _known(project, new)
    return {uri: known[digest] for uri, digest in digests.items()}


def _known(project: Project, digests: Iterable[str]) -> dict[str, UUID]:
    there = InputAddress.objects.filter(project=project, digest__in=set(digests))
    return dict(there.values_list("digest", "pk"))


def _rows(project: Project, new: dict[str, str]) -> list[InputAddress]:
    stores = list(readable_by(project)) if any(map(has_store_scheme, new.values())) else []
    rows = []
    for known_as, uri in new.items():
        placed = place_in(stores, uri)
        rows.append(
            InputAddress(
                project=project,
                address=shown(uri),
                digest=known_as,
                store=placed.store if placed else None,
                key=placed.key if placed else "",
            )
        )
    return rows


def _split(uri: str) -> SplitResult:
    """Without user name and password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2])


def _joined(parts: SplitResult) -> str:
    return str(urlunsplit(parts))
