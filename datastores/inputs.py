"""Inputs of executions: what an address means when the execution is created, and the files behind it when a worker asks."""

from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote, urlsplit

from django.conf import settings

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
from datastores.datasets.inputs import datums_of, version_for, version_kept
from datastores.datasets.names import is_address as is_dataset_address
from datastores.errors import (
    InputEmpty,
    InputNotFound,
    InputPurged,
    InputSchemeUnsupported,
    InputTooLarge,
    NoStoreForInput,
)
from datastores.models import DataStore, Datum
from datastores.objects import is_own_key
from datastores.opening import object_store
from datastores.selectors import as_uuid, download_grant, readable_by, without_nul
from datastores.types import InputFile
from projects.models import Project

DATUM_SCHEME = "datum://"
WEB_SCHEMES = ("http://", "https://")
MOST_FILES = 100_000
"""That one wildcard may find."""


def resolve_input_uri(project: Project, uri: str) -> str:
    """The address as an execution keeps it: aliases become the file or version they point to now, so that a copy uses the same.

    Addresses on the web are not looked at here: the worker fetches them, from the network that it is in. Of an address in
    a store it is checked that the project may use the store. Raises `InputNotFound`, `InputPurged`, `NoStoreForInput`,
    `InputSchemeUnsupported`, or what `datasets.inputs.version_for` raises.
    """
    address = uri.strip()
    if address.lower().startswith(WEB_SCHEMES):
        if not _names_a_host(address):
            raise InputSchemeUnsupported(uri)
        return address
    if has_store_scheme(address):
        _placed(project, address)
        return address
    if is_dataset_address(address):
        return version_for(project, address).uri
    if not address.startswith(DATUM_SCHEME):
        raise InputSchemeUnsupported(uri)
    return f"{DATUM_SCHEME}{_datum_of(project, address).pk}"


def input_files(project: Project, uri: str, base_url: str) -> list[InputFile]:
    """Everything a worker needs to fetch the files behind a resolved address: several for a wildcard or a dataset.

    Raises what `resolve_input_uri` does, `InputEmpty`, `InputTooLarge` or `StoreProblem`.
    """
    if uri.startswith(DATUM_SCHEME):
        return [_stored_file(_datum_of(project, uri), base_url)]
    if is_dataset_address(uri):
        return _files_in_version(project, uri, base_url)
    if has_store_scheme(uri):
        return _files_in_store(_placed(project, uri), uri, base_url)
    return [InputFile(filename=_name_in(uri), url=uri, uri=uri)]


def _stored_file(datum: Datum, base_url: str) -> InputFile:
    grant = download_grant(datum, base_url)
    return InputFile(
        filename=datum.name,
        url=grant.url,
        headers=grant.headers,
        uri=f"{DATUM_SCHEME}{datum.pk}",
        storage_uri=object_store(datum.store).uri(datum.key) or None,
        datum_id=datum.pk,
        size=datum.size_bytes,
        md5=datum.md5,
        sha1=datum.sha1,
        sha256=datum.sha256,
        metadata=[datum.properties] if datum.properties else [],
    )


def _files_in_version(project: Project, uri: str, base_url: str) -> list[InputFile]:
    datums = list(datums_of(version_kept(project, uri)))
    stores = DataStore.objects.in_bulk({datum.store_id for datum in datums})
    for datum in datums:
        datum.store = stores[datum.store_id]
    return [_stored_file(datum, base_url) for datum in datums]


def _files_in_store(placed: Placed, uri: str, base_url: str) -> list[InputFile]:
    place = object_store(placed.store)
    if is_own_key(placed.key):
        raise InputNotFound(uri)
    if not is_pattern(placed.key):
        found = place.facts(placed.key)
        if found is None:
            raise InputEmpty(uri)
        return [_file_in_store(place, found, base_url)]
    root = root_of(placed.key)
    files = [
        _file_in_store(place, facts, base_url, below=facts.key.removeprefix(root).lstrip("/"))
        for facts in islice(_matching(place, placed.key), MOST_FILES + 1)
    ]
    if not files:
        raise InputEmpty(uri)
    if len(files) > MOST_FILES:
        raise InputTooLarge(uri, MOST_FILES)
    return files


def _matching(place: ObjectStore, pattern: str) -> Iterator[ObjectFacts]:
    matches = matcher(pattern).match
    found = place.walk(fixed_part(pattern))
    return (facts for facts in found if matches(facts.key) and not is_own_key(facts.key))


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


def _placed(project: Project, uri: str) -> Placed:
    placed = place_in(readable_by(project).filter(allow_read=True), uri)
    if placed is None:
        raise NoStoreForInput(uri)
    return placed


def _datum_of(project: Project, uri: str) -> Datum:
    """Only files of the same project: who may see an execution of it may not see other projects of the same person."""
    reference = uri.removeprefix(DATUM_SCHEME)
    identifier = as_uuid(reference)
    stored = Datum.objects.filter(project=project, stored_at__isnull=False).select_related("store")
    if identifier:
        datum = stored.filter(pk=identifier).first()
    else:
        datum = stored.filter(aliases__project=project, aliases__name__iexact=without_nul(reference)).first()
    if datum is None:
        raise InputNotFound(uri)
    if datum.purged_at:
        raise InputPurged(uri, datum.name)
    return datum


def _names_a_host(address: str) -> bool:
    try:
        return bool(urlsplit(address).hostname) and not any(c.isspace() or ord(c) < 32 for c in address)
    except ValueError:
        return False


def _name_in(url: str) -> str:
    """The file name in an address: its last part without query and fragment."""
    return unquote(urlsplit(url).path).rstrip("/").rsplit("/", 1)[-1] or "file"
