"""Moves of aliases, each with a row of its history.

Whoever moves an alias holds the lock of its row, so that however many do it at once, the moves follow each other and each
begins where the one before ended. A file is always locked before an alias, never after.
"""

from uuid import UUID

from django.db.models import QuerySet, Value
from django.db.models.functions import Lower

from accounts.models import User
from common import clock
from datastores.models import Datum, DatumAlias, DatumAliasMove


def point(*, name: str, datum: Datum, actor: User | None) -> tuple[DatumAlias, Datum | None]:
    """Let the alias mean `datum`, whose row the caller has locked; the alias, and what it meant before.

    Without an actor it was the execution that made the file. Pointing to the same file again is no move.
    """
    alias = _locked(datum.project_id, name)
    before = alias.datum
    if before is None or before.pk != datum.pk:
        alias.datum = datum
        alias.save(update_fields=["datum", "updated_at"])
        _remember(alias, before, datum, actor)
    return alias, before


def remove(*, alias: DatumAlias, actor: User) -> DatumAlias | None:
    """The alias as it was; None when it is gone already. Its history stays."""
    locked = _for_change(DatumAlias.objects.filter(pk=alias.pk)).first()
    if locked is not None:
        _remember(locked, locked.datum, None, actor)
        DatumAlias.objects.filter(pk=locked.pk).delete()
    return locked


def moves_of(alias: DatumAlias) -> QuerySet[DatumAliasMove]:
    """Newest first, also those of an alias of the same name that was deleted before."""
    moves = DatumAliasMove.objects.alias(lower_name=Lower("name"))
    of_name = moves.filter(project_id=alias.project_id, lower_name=Lower(Value(alias.name)))
    return of_name.select_related("actor").order_by("-pk")


def named(project_id: UUID, name: str) -> QuerySet[DatumAlias]:
    """The one of that name, whatever its case: compared as the constraint on names does it."""
    aliases = DatumAlias.objects.alias(lower_name=Lower("name"))
    return aliases.filter(project_id=project_id, lower_name=Lower(Value(name)))


def _locked(project_id: UUID, name: str) -> DatumAlias:
    while (alias := _for_change(named(project_id, name)).first()) is None:
        # Somebody else may create it first, and somebody may delete it before we have it.
        DatumAlias.objects.bulk_create([DatumAlias(project_id=project_id, name=name)], ignore_conflicts=True)
    return alias


def _for_change(aliases: QuerySet[DatumAlias]) -> QuerySet[DatumAlias]:
    """Without the file: PostgreSQL would join the row of an alias that it waited for with the file from before the wait."""
    return aliases.select_for_update(no_key=True)


def _remember(alias: DatumAlias, before: Datum | None, after: Datum | None, actor: User | None) -> None:
    by_run = after if after is not None and actor is None else None
    DatumAliasMove.objects.create(
        project_id=alias.project_id,
        name=alias.name,
        moved_at=clock.now(),
        actor=actor,
        actor_name=actor.username if actor else "",
        execution_id=by_run.output_execution_id if by_run else None,
        execution_counter=by_run.output_execution_counter if by_run else None,
        from_datum_id=before.pk if before else None,
        from_name=before.name if before else "",
        to_datum_id=after.pk if after else None,
        to_name=after.name if after else "",
    )
