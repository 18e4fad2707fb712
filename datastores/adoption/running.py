"""Works on one adoption for a while, and goes on where the last one stopped.

Files are taken in batches. Records, results, counts and the place that was reached are written in one transaction, which is
only made if the place is still the one that the batch began at. So whoever is killed has adopted whole batches, and
two that work on the same adoption do not adopt a file twice.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F

from audit.services import record
from common import clock
from common.errors import DomainError
from common.notices import publish_on_commit
from common.objectstores import ObjectFacts, ObjectStore
from datastores.addresses import fixed_part, matcher, prefix_of
from datastores.adoption import lifecycle, records, rules
from datastores.errors import AdoptableNotFound, AlreadyAdopted
from datastores.models import Adoption, AdoptionResult, Datum
from datastores.objects import is_own_key
from datastores.opening import object_store
from organizations.access import Capability, require

SLICE_SECONDS = 60
BATCH_FILES = 500
BATCH_SECONDS = 2
MOST_RESULTS = 50_000
"""Kept of each outcome; the counts go on."""
Outcome = AdoptionResult.Outcome


@dataclass(frozen=True)
class Place:
    """How far it is: the number of the address, and the last key of its files that was looked at."""

    address: int
    after_key: str = ""
    matched: int = 0
    """Files that this address has named so far."""


@dataclass(frozen=True)
class Finding:
    """One step: a file, or a problem of an address, or neither where a key does not match; and the place behind it."""

    uri: str
    reached: Place
    facts: ObjectFacts | None = None
    problem: DomainError | None = None


def run_slice(adoption_id: UUID, *, seconds: float = SLICE_SECONDS) -> bool:
    """Go on for about so long; whether there is more to do. Raises `StoreProblem` when the store is in the way."""
    adoption = lifecycle.begin(adoption_id)
    if adoption is None:
        return False
    try:
        _require_still_allowed(adoption)
    except DomainError as error:
        end(adoption, error.message)
        return False
    deadline = time.monotonic() + seconds
    place = _place_of(adoption)
    for batch in _batches(_findings(adoption, place)):
        if not _save(adoption, place, batch):
            return False  # cancelled, or somebody else goes on
        place = batch[-1].reached
        if time.monotonic() > deadline and place.address < len(adoption.addresses):
            return True
    end(adoption)
    return False


@transaction.atomic
def end(adoption: Adoption, problem: str = "") -> None:
    """Complete, or failed for a reason that whoever started it reads."""
    ended = lifecycle.fail(adoption.pk, problem) if problem else lifecycle.complete(adoption.pk)
    if ended:
        adoption.refresh_from_db()
        kind = "adoption.failed" if problem else "adoption.completed"
        record(kind, actor=adoption.creator, target=adoption, after=adoption.counts)
        publish_on_commit(f"project:{adoption.project_id}", "adoption")


def _require_still_allowed(adoption: Adoption) -> None:
    """Rights may have been taken since it was started."""
    rules.require_adoptable(adoption.store, adoption.project)
    if adoption.creator is not None:
        require(adoption.creator, Capability.RUN, adoption.project)


def _place_of(adoption: Adoption) -> Place:
    return Place(adoption.address_number, adoption.after_key, adoption.matched_here)


def _findings(adoption: Adoption, place: Place) -> Iterator[Finding]:
    store = object_store(adoption.store)
    prefix = prefix_of(adoption.store)
    for number in range(place.address, len(adoption.addresses)):
        address = adoption.addresses[number]
        key = address.removeprefix(prefix)
        start = place if number == place.address else Place(number)
        if rules.names_many(address):
            yield from _files_of_pattern(adoption, store, address, rules.pattern_of(key), start)
        else:
            facts = store.facts(key)
            problem = None if facts else AdoptableNotFound(address, adoption.store.name)
            yield Finding(address, Place(number + 1), facts, problem)


def _files_of_pattern(
    adoption: Adoption, store: ObjectStore, address: str, pattern: str, start: Place
) -> Iterator[Finding]:
    matches = matcher(pattern).match
    matched = start.matched
    for facts in store.walk(fixed_part(pattern), after=start.after_key):
        # A key that ends with a slash is how some tools keep an empty folder; what the platform wrote is not users' to name.
        is_file = bool(matches(facts.key)) and not facts.key.endswith("/") and not is_own_key(facts.key)
        matched += is_file
        reached = Place(start.address, facts.key.replace("\0", ""), matched)
        yield Finding(store.uri(facts.key), reached, facts if is_file else None)
    problem = None if matched else AdoptableNotFound(address, adoption.store.name)
    yield Finding(address, Place(start.address + 1), None, problem)


def _batches(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Full ones, or what there is after a while, so that a slow store still shows progress."""
    batch: list[Finding] = []
    began = time.monotonic()
    for finding in findings:
        batch.append(finding)
        if len(batch) >= BATCH_FILES or time.monotonic() - began > BATCH_SECONDS:
            yield batch
            batch, began = [], time.monotonic()
    if batch:
        yield batch


@transaction.atomic
def _save(adoption: Adoption, began: Place, batch: list[Finding]) -> bool:
    current = Adoption.objects.select_for_update().filter(
        pk=adoption.pk,
        state=lifecycle.State.RUNNING,
        address_number=began.address,
        after_key=began.after_key,
    )
    row = current.first()
    if row is None:
        return False
    results, datums = _results(adoption, batch)
    counts = dict.fromkeys(Outcome.values, 0)
    kept = []
    for result in results:
        counts[result.outcome] += 1
        if row.counts[result.outcome] + counts[result.outcome] <= MOST_RESULTS:
            kept.append(result)
    Datum.objects.bulk_create(datums)
    AdoptionResult.objects.bulk_create(kept)
    reached = batch[-1].reached
    Adoption.objects.filter(pk=adoption.pk).update(
        address_number=reached.address,
        after_key=reached.after_key,
        matched_here=reached.matched,
        adopted_count=F("adopted_count") + counts[Outcome.ADOPTED],
        known_count=F("known_count") + counts[Outcome.KNOWN],
        refused_count=F("refused_count") + counts[Outcome.REFUSED],
        progressed_at=clock.now(),
    )
    if datums:
        publish_on_commit(f"project:{adoption.project_id}", "data")
    return True


def _results(adoption: Adoption, batch: list[Finding]) -> tuple[list[AdoptionResult], list[Datum]]:
    found = [finding.facts.key for finding in batch if finding.facts]
    if found:
        records.take_turn(adoption.store)
    known = records.known_keys(adoption.store, adoption.project, found)
    results: list[AdoptionResult] = []
    datums: list[Datum] = []
    for finding in batch:
        problem, datum = finding.problem, None
        if finding.facts and finding.facts.key in known:
            problem = AlreadyAdopted(finding.uri, adoption.store.name)
        elif finding.facts:
            try:
                datum = records.record_of(
                    finding.facts,
                    finding.uri,
                    store=adoption.store,
                    project=adoption.project,
                    uploader=adoption.creator,
                )
            except DomainError as error:
                problem = error
            else:
                known.add(finding.facts.key)
                datums.append(datum)
        if datum or problem:
            results.append(_result(adoption, finding.uri, datum, problem))
    return results, datums


def _result(adoption: Adoption, uri: str, datum: Datum | None, problem: DomainError | None) -> AdoptionResult:
    outcome = Outcome.ADOPTED
    if problem:
        outcome = Outcome.KNOWN if isinstance(problem, AlreadyAdopted) else Outcome.REFUSED
    message = problem.message.replace("\0", "")[:1000] if problem else ""
    return AdoptionResult(
        adoption=adoption,
        uri=uri.replace("\0", ""),
        outcome=outcome,
        datum=datum,
        message=message,
        code=(problem.code or "") if problem else "",
    )
