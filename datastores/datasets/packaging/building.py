"""Makes one package: reads the small files, checks each, and writes them into the store as one object.

Whoever is killed leaves the package `building`; it is dropped when it was silent for a while, and made anew as another one
(see `planning.replace_stalled`). What was ready before stays.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from common import clock
from common.errors import DomainError
from common.notices import publish_on_commit
from common.objectstores import ObjectMissing, ObjectStore, part_size
from datastores.datasets.packaging import contents, dropping, lifecycle, reading
from datastores.datasets.packaging.archive import TRAILER, header, padding
from datastores.datasets.packaging.planner import LEAST_FILES
from datastores.datasets.packaging.writing import PartsWriter
from datastores.models import DatasetPackage, DataStore, Datum
from datastores.opening import object_store

logger = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(minutes=1)
"""Before a failed package is tried again; twice as long after each further failure."""
PROGRESS_SECONDS = 10
_PAGE = 2000


class Superseded(Exception):
    """The package is not this builder's any more: it was dropped meanwhile."""


class FileChanged(DomainError):
    """A file is not what the platform knows of it. Nothing heals that."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"'{name}' {problem}. Make a version without it.")


def build(package_id: UUID) -> bool:
    """Build it, if it is time and nobody else does; whether anything was done."""
    package = lifecycle.begin(package_id, now=clock.now())
    if package is None:
        return False
    package.file_count, package.size_bytes = contents.measure(package)
    if package.file_count < LEAST_FILES or package.version.dataset.deleted_at is not None:
        dropping.drop_all(DatasetPackage.objects.filter(pk=package.pk))
        return True
    try:
        if lifecycle.progress(package, file_count=package.file_count, size_bytes=package.size_bytes):
            _build(package)
    except Superseded:
        logger.info("package dropped while it was built", extra={"package": str(package.pk)})
    except DomainError as error:
        _note_failure(package, error)
    except OSError as error:
        logger.exception("package not built")
        _note_failure(package, StorageTrouble(error))
    return True


def _build(package: DatasetPackage) -> None:
    """Raises `Superseded`, `StoreProblem`, `FileChanged` or `ObjectMissing`; then nothing of it is left in the store."""
    heartbeat = _Heartbeat(package)
    store = object_store(package.store)
    part_bytes = part_bytes_of(store, package.size_bytes)
    writer = PartsWriter(store, package.key, part_bytes, heartbeat.on_part)
    try:
        for block in _blocks(package, heartbeat):
            writer.write(block)
        if writer.size_bytes != package.size_bytes:  # files went while others were read
            dropping.replace(package, delay=dropping.SETTLING)
            raise Superseded
        heartbeat.say()
        sha256 = writer.finish()
        if not _complete(package, sha256):
            raise Superseded
    except BaseException:
        _abandon(writer, package)
        raise


def part_bytes_of(store: ObjectStore, size_bytes: int) -> int:
    return part_size(size_bytes, store.limits)


def _blocks(package: DatasetPackage, heartbeat: "_Heartbeat") -> Iterator[bytes]:
    for datum, content in reading.contents(package.source, _datums(package)):
        _check(datum, content)
        yield header(str(datum.pk), len(content))
        yield content
        yield padding(len(content))
        heartbeat.say_now_and_then()
    yield TRAILER


def _datums(package: DatasetPackage) -> Iterator[Datum]:
    """In pages by id: building takes minutes, and no cursor stays open for so long."""
    after = package.first_file_id - 1
    while rows := list(contents.files_of(package).filter(pk__gt=after).select_related("datum")[:_PAGE]):
        yield from (row.datum for row in rows if row.datum is not None)
        after = rows[-1].pk


def _check(datum: Datum, content: bytes) -> None:
    if len(content) != datum.size_bytes:
        raise FileChanged(datum.name, f"has no longer the {datum.size_bytes} bytes that were stored")
    for name, known in (("sha256", datum.sha256), ("md5", datum.md5)):
        if known and hashlib.new(name, content, usedforsecurity=False).hexdigest() != known:
            raise FileChanged(datum.name, f"has no longer the content that was stored: its {name} differs")
        if known:
            return


class StorageTrouble(DomainError):
    """The disk of the installation, when it is the store."""

    is_transient = True

    def __init__(self, error: OSError) -> None:
        super().__init__(f"The installation's storage failed: {error.strerror or error}. Tell its operator.")


class _Heartbeat:
    """Says that the builder goes on; raises `Superseded` when nobody waits for it any more."""

    def __init__(self, package: DatasetPackage) -> None:
        self._package = package
        self._said_at = time.monotonic()

    def on_part(self, upload_id: str) -> None:
        self._package.upload_id = upload_id
        self.say(upload_id=upload_id)

    def say_now_and_then(self) -> None:
        if time.monotonic() - self._said_at > PROGRESS_SECONDS:
            self.say()

    def say(self, **facts: object) -> None:
        self._said_at = time.monotonic()
        if not lifecycle.progress(self._package, **facts):
            raise Superseded


@transaction.atomic
def _complete(package: DatasetPackage, sha256: str) -> bool:
    """Ready, unless a file was purged while it was built; who purges drops what is there, and we look at what is purged."""
    if not lifecycle.complete(package, sha256=sha256):
        return False
    if contents.has_lost_files(package):
        dropping.replace(package, delay=dropping.SETTLING)
        return False
    logger.info("package built", extra={"package": str(package.pk), "files": package.file_count})
    tell(package)
    return True


def _abandon(writer: PartsWriter, package: DatasetPackage) -> None:
    try:
        writer.abandon()
        package.upload_id = ""
    except DomainError as error:  # the store is away; what is there goes with the package
        logger.warning(
            "bytes of a package that was not built stay", extra={"key": package.key, "reason": error.message}
        )


@transaction.atomic
def _note_failure(package: DatasetPackage, error: DomainError) -> None:
    """What may heal is tried again; the rest waits for somebody who looks at it."""
    may_heal = error.is_transient and package.attempts < lifecycle.MOST_ATTEMPTS
    problem = _explained(error, package.source)
    pause = FIRST_PAUSE * 2 ** (package.attempts - 1)
    logger.warning("package not built", extra={"package": str(package.pk), "reason": problem[:500]})
    if package.upload_id:  # its parts are still in the store: they go with this row
        fresh = dropping.replace(package, delay=pause, problem=problem)
        if fresh is not None and not may_heal:
            lifecycle.give_up(fresh.pk, problem)
    elif may_heal:
        lifecycle.put_off(package, problem, pause)
    else:
        lifecycle.fail(package, problem)
    tell(package)


def _explained(error: DomainError, source: DataStore) -> str:
    if isinstance(error, ObjectMissing):
        return f"A file is not in the store '{source.name}' any more: {error.message}"
    return error.message


def tell(package: DatasetPackage) -> None:
    for project_id in package.version.dataset.projects.values_list("pk", flat=True):
        publish_on_commit(f"project:{project_id}", "data")
