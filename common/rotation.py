"""Writes every stored secret again with the newest key, so that older keys can be removed.

Safe while the platform runs and to be stopped at any moment: each value is replaced only if it is still the one that was
read, and what the newest key wrote is passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db.models import Model, QuerySet, TextField
from django.db.models.functions import Cast

from common.crypto import EncryptedTextField, SecretUnreadable, decrypt, is_current

BATCH_ROWS = 500


@dataclass
class Tally:
    """What was found in one encrypted field of one model, in rows. Empty values are not counted."""

    name: str
    """Such as `projects.Repository.access_token`."""
    current: int = 0
    old: int = 0
    """Written by an older key, and left so."""
    rewritten: int = 0
    overtaken: int = 0
    """Somebody wrote another value meanwhile; theirs stays."""
    unreadable: list[str] = field(default_factory=list)
    """Ids of rows whose key is none of those that are configured."""


def encrypted_fields() -> list[tuple[type[Model], str]]:
    """Every place where a secret is stored."""
    return [
        (model, column.name)
        for model in apps.get_models()
        if model._meta.managed and not model._meta.proxy
        for column in model._meta.local_fields
        if isinstance(column, EncryptedTextField)
    ]


def tallies(*, rewrite: bool) -> Iterator[Tally]:
    """Go through every secret; with `rewrite`, also write what an older key wrote again."""
    for model, name in encrypted_fields():
        tally = Tally(f"{model._meta.label}.{name}")
        for pk, stored in _stored_values(model, name):
            _look_at(tally, model, name, pk, stored, rewrite)
        yield tally


def _look_at(tally: Tally, model: type[Model], name: str, pk: Any, stored: str, rewrite: bool) -> None:
    if is_current(stored):
        tally.current += 1
        return
    try:
        value = decrypt(stored)
    except SecretUnreadable:
        tally.unreadable.append(str(pk))
        return
    if not rewrite:
        tally.old += 1
    elif _rows(model, name).filter(pk=pk, stored=stored).update(**{name: value}):
        tally.rewritten += 1
    else:
        tally.overtaken += 1


def _stored_values(model: type[Model], name: str) -> Iterator[tuple[Any, str]]:
    """Id and encrypted value of every row that has one, a batch at a time, in the order of ids."""
    rows = _rows(model, name).exclude(stored="").exclude(stored=None).order_by("pk")
    batch = list(rows.values_list("pk", "stored")[:BATCH_ROWS])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0]).values_list("pk", "stored")[:BATCH_ROWS])


def _rows(model: type[Model], name: str) -> QuerySet[Any]:
    """With `stored`, what stands in the database."""
    return model._base_manager.annotate(stored=Cast(name, TextField()))
