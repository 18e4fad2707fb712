"""Inputs of executions: what an address means when the execution is created, and the files behind it when a worker asks."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, Value, prefetch_related_objects
from django.db.models.functions import Lower

from common.network import HostUnknown, resolve_allowed
from common.objectstores import Download, ObjectFacts, ObjectStore
from datastores.addresses import (
    Placed,
    fixed_part,
    has_store_scheme,
    is_pattern,
    matcher,
    place_in,
    root_of,
)
from datastores.datasets.inputs import files_after, version_for, version_kept
from datastores.datasets.names import is_address as is_dataset_address
from datastores.datasets.packaging.contents import is_about, ready_packages
from datastores.errors import (
    InputEmpty,
    InputNotFound,
    InputPurged,
    InputSchemeUnsupported,
    InputTooLarge,
    NoStoreForInput,
)
from datastores.models import DatasetPackage, DatasetVersion, DataStore, Datum, DatumAlias
from datastores.objects import is_own_key
from datastores.opening import object_store
from datastores.selectors import download_grant, readable_by, without_nul
from datastores.types import InputFile, InputPackage, Listing, Position
from projects.models import Project
from projects.selectors import as_uuid

DATUM_SCHEME = "datum://"
WEB_SCHEMES = ("http://", "https://")
MOST_FILES = 100_000
"""That one wildcard may find."""
MOST_LOOKED_AT = 5000
"""Objects of a store that one step of a listing passes."""


class Inputs:
    """What addresses of one project mean. Rows are read once for all of them, when the first is asked for."""

    def __init__(self, project: Project, uris: Iterable[str]) -> None:
        self._project = project
        self._references = [
            uri.strip().removeprefix(DATUM_SCHEME) for uri in uris if uri.strip().startswith(DATUM_SCHEME)
        ]

    def resolve(self, uri: str) -> str:
        """See `resolve_input_uri`."""
        address = uri.strip()
        if address.lower().startswith(WEB_SCHEMES):
            if not _names_a_host(address):
                raise InputSchemeUnsupported(uri)
            _check_host(address)
            return address
        if has_store_scheme(address):
            self._placed(address)
            return address
        if is_dataset_address(address):
            return version_for(self._project, address).uri
        if not address.startswith(DATUM_SCHEME):
            raise InputSchemeUnsupported(uri)
        return f"{DATUM_SCHEME}{self._datum(address).pk}"

    def files(self, uri: str, base_url: str) -> Iterator[InputFile]:
        """All of them, see `input_files`."""
        position: Position | None = Position()
        while position is not None:
            listing = self.some_files(uri, base_url, position, MOST_LOOKED_AT)
            yield from listing.files
            position = listing.following

    def some_files(
        self, uri: str, base_url: str, position: Position, most: int, *, in_packages: bool = False
    ) -> Listing:
        """Up to `most` files from `position` on, after a bounded time. With `in_packages` those of a dataset that are in a package
        come with it."""
        if uri.startswith(DATUM_SCHEME):
            return Listing([_stored_file(self._datum(uri), base_url)])
        if is_dataset_address(uri):
            # Files never come back: what was whole at the first page need not be counted again for each of a hundred others.
            version = version_kept(self._project, uri, check_whole=not position.after)
            return _files_in_version(version, base_url, position, most, in_packages=in_packages)
        if has_store_scheme(uri):
            return _files_in_store(self._placed(uri), uri, base_url, position, most)
        _check_host(uri)  # again: its name may mean another host by now
        return Listing([InputFile(filename=_name_in(uri), url=uri, uri=uri)])

    def _placed(self, uri: str) -> Placed:
        placed = place_in(self._stores, uri)
        if placed is None:
            raise NoStoreForInput(uri)
        return placed

    def _datum(self, uri: str) -> Datum:
        """Only files of the same project: who may see an execution of it may not see other projects of the same person."""
        reference = uri.removeprefix(DATUM_SCHEME)
        identifier = as_uuid(reference)
        datum = self._by_id.get(identifier) if identifier else self._by_alias.get(reference.lower())
        if datum is None:
            raise InputNotFound(uri)
        if datum.purged_at:
            raise InputPurged(uri, datum.name)
        return datum

    @cached_property
    def _stores(self) -> list[DataStore]:
        return list(readable_by(self._project).filter(allow_read=True))

    @cached_property
    def _by_id(self) -> dict[UUID, Datum]:
        return self._stored.in_bulk({known for text in self._references if (known := as_uuid(text))})

    @cached_property
    def _by_alias(self) -> dict[str, Datum]:
        names = {without_nul(text) for text in self._references if not as_uuid(text)}
        aliases = (
            DatumAlias.objects.annotate(lower_name=Lower("name"))
            .filter(project=self._project, lower_name__in=[Lower(Value(name)) for name in names])
            .values_list("name", "datum_id")
        )
        pointed = {name.lower(): datum_id for name, datum_id in aliases if datum_id}
        datums = self._stored.in_bulk(set(pointed.values()))
        return {name: datums[datum_id] for name, datum_id in pointed.items() if datum_id in datums}

    @property
    def _stored(self) -> QuerySet[Datum]:
        # Stores are few and datums many: each store is made once.
        return Datum.objects.filter(project=self._project, stored_at__isnull=False).prefetch_related("store")


def resolve_input_uri(project: Project, uri: str) -> str:
    """The address as an execution keeps it: aliases become the file or version they point to now, so that a copy uses the same.

    What an address on the web leads to is not looked at here: the worker fetches it, from the network that it is in; only that
    its host is none that users may not name. Of an address in a store it is checked that the project may use the store.
    Raises `InputNotFound`, `InputPurged`, `NoStoreForInput`, `HostRefused` or `InputSchemeUnsupported`. For several at once use
    `Inputs`.
    """
    return Inputs(project, [uri]).resolve(uri)


def input_files(project: Project, uri: str, base_url: str) -> list[InputFile]:
    """Everything a worker needs to fetch the files behind a resolved address: several for a wildcard or a dataset.

    Raises what `resolve_input_uri` does, `InputEmpty`, `InputTooLarge` or `StoreProblem`.
    """
    return list(Inputs(project, [uri]).files(uri, base_url))


def _stored_file(datum: Datum, base_url: str, package_id: UUID | None = None) -> InputFile:
    """In a package it needs no address, which takes longest of all to make."""
    grant = None if package_id else download_grant(datum, base_url)
    return InputFile(
        filename=datum.name,
        url=grant.url if grant else "",
        headers=grant.headers if grant else {},
        package_id=package_id,
        uri=f"{DATUM_SCHEME}{datum.pk}",
        storage_uri=object_store(datum.store).uri(datum.key) or None,
        datum_id=datum.pk,
        size=datum.size_bytes,
        md5=datum.md5,
        sha1=datum.sha1,
        sha256=datum.sha256,
        metadata=[datum.properties] if datum.properties else [],
    )


def _files_in_version(
    version: DatasetVersion, base_url: str, position: Position, most: int, *, in_packages: bool
) -> Listing:
    found = list(files_after(version, position.after)[: most + 1])
    rows = found[:most]
    prefetch_related_objects([row.datum for row in rows if row.datum is not None], "store")
    packages = ready_packages(version, rows[0].pk, rows[-1].pk) if rows and in_packages else []
    files, taken = [], {}
    for row in rows:
        package = next((one for one in packages if is_about(one, row)), None)
        if package is not None:
            taken[package.pk] = package
        if row.datum is not None:
            files.append(_stored_file(row.datum, base_url, package.pk if package else None))
    following = Position(position.found + len(files), str(rows[-1].pk)) if len(found) > most else None
    return Listing(files, following, [_input_package(package, base_url) for package in taken.values()])


def _input_package(package: DatasetPackage, base_url: str) -> InputPackage:
    download = Download(
        package.key,
        f"{package.pk}.tar",
        "application/x-tar",
        inline=False,
        lifetime_seconds=settings.FILE_URL_LIFETIME_SECONDS,
    )
    grant = object_store(package.store).grant_get(download, base_url=base_url)
    return InputPackage(
        package.pk, grant.url, grant.headers, package.size_bytes, package.sha256, package.file_count
    )


def _files_in_store(placed: Placed, uri: str, base_url: str, position: Position, most: int) -> Listing:
    place = object_store(placed.store)
    if is_own_key(placed.key):
        raise InputNotFound(uri)
    if not is_pattern(placed.key):
        found = place.facts(placed.key)
        if found is None:
            raise InputEmpty(uri)
        return Listing([_file_in_store(place, found, base_url)])
    found_here, after = _matching(place, placed.key, position.after, most)
    total = position.found + len(found_here)
    if not total and after is None:
        raise InputEmpty(uri)
    if total > MOST_FILES:
        raise InputTooLarge(uri, MOST_FILES)
    root = root_of(placed.key)
    files = [
        _file_in_store(place, facts, base_url, below=facts.key.removeprefix(root).lstrip("/"))
        for facts in found_here
    ]
    return Listing(files, None if after is None else Position(total, after))


def _matching(
    place: ObjectStore, pattern: str, after: str, most: int
) -> tuple[list[ObjectFacts], str | None]:
    """Up to `most` objects behind the key `after`, and the key after which to go on; None when that was all."""
    matches = matcher(pattern).match
    found: list[ObjectFacts] = []
    for number, facts in enumerate(place.walk(fixed_part(pattern), after=after), start=1):
        if matches(facts.key) and not is_own_key(facts.key):
            found.append(facts)
        if len(found) >= most or number >= MOST_LOOKED_AT:
            return found, facts.key
    return found, None


def _file_in_store(place: ObjectStore, facts: ObjectFacts, base_url: str, below: str = "") -> InputFile:
    name = facts.key.rsplit("/", 1)[-1] or "file"
    download = Download(
        facts.key,
        name,
        "application/octet-stream",
        inline=False,
        lifetime_seconds=settings.FILE_URL_LIFETIME_SECONDS,
    )
    grant = place.grant_get(download, base_url=base_url)
    return InputFile(
        filename=facts.key,
        url=grant.url,
        headers=grant.headers,
        uri=place.uri(facts.key),
        storage_uri=place.uri(facts.key),
        size=facts.size_bytes,
        md5=facts.md5,
        path_below_root=below or name,
    )


def _names_a_host(address: str) -> bool:
    try:
        return bool(urlsplit(address).hostname) and not any(c.isspace() or ord(c) < 32 for c in address)
    except ValueError:
        return False


def _check_host(address: str) -> None:
    """Raises `HostRefused`. A name that is unknown here may be known where the worker is."""
    if settings.ALLOW_PRIVATE_NETWORK_URLS:
        return
    parts = urlsplit(address)
    try:
        resolve_allowed(str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80))
    except HostUnknown:
        return
    except ValueError as error:  # no port
        raise InputSchemeUnsupported(address) from error


def _name_in(url: str) -> str:
    """The file name in an address: its last part without query and fragment."""
    return unquote(urlsplit(url).path).rstrip("/").rsplit("/", 1)[-1] or "file"
