"""Which files, versions of datasets and addresses executions have as inputs: written when an execution is created, read from
either side."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db.models import Exists, QuerySet

from accounts.models import User
from common.errors import DomainError
from datastores.datasets.inputs import versions_at
from datastores.datasets.keeping import versions_with
from datastores.datasets.names import is_address as is_dataset_address
from datastores.errors import InputNotFound, InputPurged
from datastores.inputs import DATUM_SCHEME
from datastores.keeping import Keeper, of_file
from datastores.models import Datum
from executions import input_addresses
from executions.errors import FileNeeded
from executions.models import Execution, ExecutionInput
from executions.selectors import with_related
from organizations.access import visible_to


def datum_id_in(uri: str) -> UUID | None:
    """The file that a resolved address names; None for what is not in the platform's books."""
    try:
        return UUID(uri.removeprefix(DATUM_SCHEME)) if uri.startswith(DATUM_SCHEME) else None
    except ValueError:
        return None


def take_inputs(execution: Execution) -> None:
    """Write down what the execution will use; called in the transaction that creates it.

    Raises `InputPurged` or `InputNotFound` for a file that was there when the addresses were resolved and is gone now: its row
    is locked from here on, so that a purge comes either before, and is seen, or after, and sees the execution.
    """
    used = list(dict.fromkeys(_used_by(execution)))
    rows = [*_of_files(used), *_of_versions(execution, used), *_of_addresses(execution, used)]
    for row in rows:
        row.execution = execution
    if rows:
        ExecutionInput.objects.bulk_create(rows)


def uses_of(user: User, datum: Datum) -> QuerySet[ExecutionInput]:
    """Executions that had the file as an input, newest first: one row for each input that it was."""
    uses = ExecutionInput.objects.filter(visible_to(user, via="execution__project"), datum=datum)
    return uses.order_by("-execution_id", "name")


def executions_of(uses: Iterable[ExecutionInput]) -> dict[UUID, Execution]:
    """The executions of a page of uses, in one query."""
    return with_related(Execution.objects.all()).in_bulk({use.execution_id for use in uses})


Used = tuple[str, str]
"""The name of an input, and one of its addresses."""


def _used_by(execution: Execution) -> Iterator[Used]:
    for declared in execution.inputs:
        for uri in declared["urls"]:
            yield declared["name"], uri


def _of_files(used: Iterable[Used]) -> list[ExecutionInput]:
    wanted = [(name, datum_id) for name, uri in used if (datum_id := datum_id_in(uri))]
    if not wanted:
        return []
    ids = {datum_id for _, datum_id in wanted}
    there = Datum.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    found = {datum.pk: datum for datum in there.only("name", "purged_at")}
    for _, datum_id in wanted:
        if datum_id not in found:
            raise InputNotFound(f"{DATUM_SCHEME}{datum_id}")
        if found[datum_id].purged_at:
            raise InputPurged(f"{DATUM_SCHEME}{datum_id}", found[datum_id].name)
    return [ExecutionInput(datum_id=datum_id, name=name) for name, datum_id in wanted]


def _of_versions(execution: Execution, used: Iterable[Used]) -> list[ExecutionInput]:
    wanted = [(name, uri) for name, uri in used if is_dataset_address(uri)]
    found = versions_at(execution.project, {uri for _, uri in wanted}) if wanted else {}
    return [ExecutionInput(version_id=found[uri], name=name) for name, uri in wanted if uri in found]


def _of_addresses(execution: Execution, used: Iterable[Used]) -> list[ExecutionInput]:
    wanted = [(name, uri) for name, uri in used if input_addresses.is_address(uri)]
    rows = input_addresses.rows_for(execution.project, {uri for _, uri in wanted}) if wanted else {}
    # Two spellings may be one address, such as the same one with another password.
    return [
        ExecutionInput(address_id=address_id, name=name)
        for name, address_id in dict.fromkeys((name, rows[uri]) for name, uri in wanted)
    ]


def _needed_now() -> QuerySet[ExecutionInput]:
    return ExecutionInput.objects.filter(execution__ended_at__isnull=True)


def _holding() -> Exists:
    return of_file(_needed_now())


def _using() -> Exists:
    return of_file(ExecutionInput.objects.all())


def _objection(datum: Datum) -> DomainError | None:
    execution = _first_with(datum) or _first_with_version_of(datum)
    return FileNeeded(datum.name, execution.counter, execution.status) if execution is not None else None


def _first_with(datum: Datum) -> Execution | None:
    needed = _needed_now().filter(datum=datum).select_related("execution").order_by("execution_id").first()
    return needed.execution if needed is not None else None


def _first_with_version_of(datum: Datum) -> Execution | None:
    """An unfinished execution with a version of a dataset that has the file. Found from the versions, by an index."""
    needed = _needed_now().filter(version__in=versions_with(datum))
    first = needed.select_related("execution").order_by("execution_id").first()
    return first.execution if first is not None else None


JOBS = Keeper("an execution", _holding, _using, _objection)
