"""Downloads of what lies in a store by its address, such as `s3://bucket/key`, without adopting it: for people, where the store
allows it. Jobs read by address where the store may be read."""

from django.conf import settings

from accounts.models import User
from common.objectstores import Download, Grant
from datastores.addresses import is_pattern, place_in
from datastores.errors import AddressNotFound, NoStoreForAddress, UriDownloadForbidden
from datastores.objects import is_own_key
from datastores.opening import answering
from datastores.selectors import readable_by
from organizations.access import Capability, require
from projects.models import Project


def grant_download(*, actor: User, project: Project, uri: str, base_url: str) -> Grant:
    """A signed request for the object, for somebody who works in a project that may read its store.

    Raises `NoStoreForAddress`, `UriDownloadForbidden`, `AddressNotFound` or `StoreProblem`.
    """
    require(actor, Capability.RUN, project)
    address = uri.strip()
    placed = place_in(readable_by(project).filter(allow_read=True), address)
    if placed is None:
        raise NoStoreForAddress(address)
    if not placed.store.allow_uri_download:
        raise UriDownloadForbidden(placed.store.name)
    # Which project may read what the platform wrote, its datum says.
    if is_pattern(placed.key) or is_own_key(placed.key):
        raise AddressNotFound(address, placed.store.name)
    filename = placed.key.rstrip("/").rsplit("/", 1)[-1]
    lifetime = settings.FILE_URL_LIFETIME_SECONDS
    with answering(placed.store) as place:
        if place.facts(placed.key) is None:
            raise AddressNotFound(address, placed.store.name)
        download = Download(
            placed.key, filename, "application/octet-stream", inline=False, lifetime_seconds=lifetime
        )
        return place.grant_get(download, base_url=base_url)
