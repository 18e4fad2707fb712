"""Inputs of a job with addresses to download them from.

An agent that takes them in pages asks for a page when it has begun to download the one before it: a claim answers at once
whatever the number of files, no store is listed at a stretch, and no address grows old before it is used.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from common.errors import DomainError
from datastores.datasets.errors import DatasetUnknown, VersionEmpty, VersionUnknown
from datastores.errors import InputEmpty, InputNotFound, InputPurged
from datastores.inputs import DATUM_SCHEME, WEB_SCHEMES, Inputs
from datastores.types import InputFile, InputPackage, Position
from executions.errors import InputRefused, InputUnavailable
from executions.models import Execution

PAGES_INPUTS = "pages_inputs"
"""What an agent that takes files in pages says of itself, among its facts."""
TAKES_PACKAGES = "takes_packages"
"""The same of one that takes many small files of a dataset in one package."""
PAGE_FILES = 1000
PAGE_SECONDS = 5.0
"""After which a page ends that has not found as many files; asking a store for one file takes a while."""
MOST_AT_ONCE = 100
"""Up to so many files the answer to the claim holds them, which saves a request before the job begins."""
_START = Position()
KEEP_FULL = "full"
ON_DEMAND = "on-demand"
KEEP_SUFFIX = "suffix"
_MISSING = (InputEmpty, InputNotFound, InputPurged, DatasetUnknown, VersionUnknown, VersionEmpty)
"""What an optional input may be."""


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: number of the input, of the address in it, and how far that one was listed."""

    entry: int = 0
    address: int = 0
    position: Position = _START
    in_packages: bool = False
    """Whether the worker takes packages of files."""

    def as_json(self) -> list[Any]:
        place = [self.entry, self.address, self.position.found, self.position.after]
        return [*place, True] if self.in_packages else place


@dataclass
class _Page:
    files: list[dict[str, Any]] = field(default_factory=list)
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[dict[str, str]] = field(default_factory=list)
    ends_at: float = field(default_factory=lambda: time.monotonic() + PAGE_SECONDS)

    @property
    def room(self) -> int:
        return PAGE_FILES - len(self.files) if time.monotonic() < self.ends_at else 0


def input_entries(execution: Execution, base_url: str) -> list[dict[str, Any]]:
    """Every declared input in the step's order, with all of its files and fresh addresses.

    Raises a `DomainError` that names the input, unless it is optional and its files are not there.
    """
    inputs = _inputs_of(execution)
    return [
        _entry(execution, declared, _all_files(inputs, declared, base_url)) for declared in execution.inputs
    ]


def first_entries(
    execution: Execution, base_url: str, *, in_packages: bool = False
) -> tuple[list[dict[str, Any]], Cursor | None]:
    """Every declared input, and where the pages of their files begin; None when they are few and in the entries."""
    if _are_few(execution):
        return input_entries(execution, base_url), None
    return [_entry(execution, declared, []) for declared in execution.inputs], Cursor(in_packages=in_packages)


def page_of_files(
    execution: Execution, cursor: Cursor, base_url: str, *, one_by_one: bool = False
) -> dict[str, Any]:
    """{"files": those of `input_entries`, each with "input"; "left_out": [{"input", "why"}]; "next": a cursor or None}.

    Where the cursor says that the worker takes packages, files have "package" instead of an address, and "packages" has those
    that they are in: [{"id", "url", "headers", "size", "sha256", "files"}]. With `one_by_one` every file of this page has an
    address all the same: what the worker asks for when a package is of no use. Raises `InputUnavailable` or `InputRefused`.
    """
    page = _Page()
    places = list(islice(_places_from(execution, cursor), PAGE_FILES + 1))
    inputs = Inputs(execution.project, [uri for _, _, uri in places])
    for number, (at, declared, uri) in enumerate(places[:PAGE_FILES]):
        if number and not page.room:
            return _page_body(page, at)
        with _named(declared), _optional(declared, page.left_out):
            # Whoever asks for single files on demand gets an address for each.
            in_packages = at.in_packages and not one_by_one and declared["download"] != ON_DEMAND
            listing = inputs.some_files(
                uri, base_url, at.position, max(page.room, 1), in_packages=in_packages
            )
            page.files += [{"input": declared["name"], **_file(declared, file)} for file in listing.files]
            page.packages.update((str(one.package_id), _package(one)) for one in listing.packages)
            if listing.following is not None:
                return _page_body(page, replace(at, position=listing.following))
    return _page_body(page, places[PAGE_FILES][0] if len(places) > PAGE_FILES else None)


def _page_body(page: _Page, following: Cursor | None) -> dict[str, Any]:
    body = {
        "files": page.files,
        "left_out": page.left_out,
        "next": following.as_json() if following else None,
    }
    return {**body, "packages": list(page.packages.values())} if page.packages else body


def _places_from(execution: Execution, cursor: Cursor) -> Iterator[tuple[Cursor, dict[str, Any], str]]:
    """Every address from the cursor on."""
    for entry in range(cursor.entry, len(execution.inputs)):
        declared = execution.inputs[entry]
        first = cursor.address if entry == cursor.entry else 0
        for address in range(first, len(declared["urls"])):
            begun = (entry, address) == (cursor.entry, cursor.address)
            place = cursor if begun else Cursor(entry, address, in_packages=cursor.in_packages)
            yield place, declared, declared["urls"][address]


def _are_few(execution: Execution) -> bool:
    """Few enough, and none that a store is to be asked for."""
    uris = [uri for declared in execution.inputs for uri in declared["urls"]]
    plain = (DATUM_SCHEME, *WEB_SCHEMES)
    return len(uris) <= MOST_AT_ONCE and all(uri.lower().startswith(plain) for uri in uris)


def _inputs_of(execution: Execution) -> Inputs:
    return Inputs(execution.project, [uri for declared in execution.inputs for uri in declared["urls"]])


def _all_files(inputs: Inputs, declared: dict[str, Any], base_url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for uri in declared["urls"]:
        with _named(declared), _optional(declared, []):
            found += [_file(declared, file) for file in inputs.files(uri, base_url)]
    return found


@contextmanager
def _named(declared: dict[str, Any]) -> Iterator[None]:
    """Errors say which input it is, and whether to ask again."""
    try:
        yield
    except DomainError as error:
        message = f"Input '{declared['name']}': {error.message}"
        raise (InputUnavailable if error.is_transient else InputRefused)(message) from error


@contextmanager
def _optional(declared: dict[str, Any], left_out: list[dict[str, str]]) -> Iterator[None]:
    """An optional input goes without what is not there."""
    try:
        yield
    except _MISSING as error:
        if not declared["optional"]:
            raise
        left_out.append({"input": declared["name"], "why": error.message})


def requested_inputs(execution: Execution, input_ids: list[str], base_url: str) -> list[dict[str, Any]]:
    """The answer that the user's own code gets when it asks for inputs by id."""
    inputs = _inputs_of(execution)
    wanted = [d for d in execution.inputs if d["urls"] and input_id(execution, d["name"]) in input_ids]
    return [
        _requested(declared, input_id(execution, declared["name"]), _all_files(inputs, declared, base_url))
        for declared in wanted
    ]


def input_id(execution: Execution, name: str) -> str:
    """An id that needs no row: the same for every attempt at the execution."""
    return str(uuid.uuid5(execution.pk, name))


def _entry(execution: Execution, declared: dict[str, Any], files: list[dict[str, Any]]) -> dict[str, Any]:
    entry = {
        "name": declared["name"],
        "keep_directories": declared["keep_directories"],
        "optional": declared["optional"],
        "download": declared["download"],
        "files": files,
    }
    # The official library calls us for an input that has an id and no files, so that an empty one has none: the agent
    # leaves it out when there are no files after all.
    return {**entry, "input_id": input_id(execution, declared["name"])} if declared["urls"] else entry


def _file(declared: dict[str, Any], file: InputFile) -> dict[str, Any]:
    way: dict[str, Any] = (
        {"package": str(file.package_id)} if file.package_id else {"url": file.url, "headers": file.headers}
    )
    return {
        "filename": declared["filename"] or _relative_name(file, declared["keep_directories"]),
        **way,
        "uri": file.uri,
        "storage_uri": file.storage_uri,
        "datum_id": str(file.datum_id) if file.datum_id else None,
        "size": file.size,
        "md5": file.md5,
        "sha1": file.sha1,
        "sha256": file.sha256,
        "metadata": file.metadata,
    }


def _package(package: InputPackage) -> dict[str, Any]:
    return {
        "id": str(package.package_id),
        "url": package.url,
        "headers": package.headers,
        "size": package.size,
        "sha256": package.sha256,
        "files": package.file_count,
    }


def _relative_name(file: InputFile, keep_directories: str) -> str:
    """Flat unless directories are to be kept; never outside the input's folder."""
    kept = {KEEP_FULL: file.filename, KEEP_SUFFIX: file.path_below_root or file.filename}
    path = PurePosixPath(kept.get(keep_directories, file.filename))
    parts = [part for part in path.parts if part not in {"/", "..", "."}]
    return "/".join(parts if keep_directories in kept else parts[-1:]) or "file"


def _requested(declared: dict[str, Any], identifier: str, files: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": declared["name"],
        "input_id": identifier,
        "files": [
            {
                "input_id": identifier,
                "filename": file["filename"],
                "url": file["url"],
                "original_uri": file["uri"],
                "download_intent": declared["download"],
            }
            for file in files
        ],
    }
