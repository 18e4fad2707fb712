"""Setting and deleting one variable among those of a project, an organization or a group. Who may, the callers ask.

Values stay out of the audit log, also those that are not said to be secret: people put passwords there all the same.
"""

from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from accounts.models import User
from audit.services import record
from projects.errors import InvalidValue, VariableNotFound
from projects.models import VARIABLE_NAME, GroupVariable, OrganizationVariable, ProjectVariable

_LONGEST_VALUE = 128 * 1024  # what Linux takes for one string in a process's environment

Row = TypeVar("Row", ProjectVariable, OrganizationVariable, GroupVariable)


def set_row(
    rows: "QuerySet[Row]", *, actor: User, name: str, value: str | None, secret: bool, **owner: object
) -> Row:
    """Create the variable among `rows`, which belong to `owner`, or replace it; None keeps the value that it has.

    A secret becomes public with a new value only: nobody reads the old one that way. Raises `InvalidValue`.
    """
    before = rows.select_for_update(no_key=True, of=("self",)).filter(name=name.replace("\0", "")).first()
    if value is None:
        if before and before.secret and not secret:
            raise InvalidValue(
                "A secret stays secret while its value stays. Give a new value.", field="value"
            )
        value = before.value if before else ""
    _check(name, value)
    defaults = {"value": value, "secret": secret}
    row, _ = rows.update_or_create(name=name, **owner, defaults=defaults)  # type: ignore[arg-type]
    record(
        "variable.set",
        actor=actor,
        target=row,
        before={"secret": before.secret} if before else {},
        after={"secret": secret} | ({} if before and before.value == value else {"value": "(changed)"}),
    )
    return row


def delete_row(rows: "QuerySet[Row]", *, actor: User, name: str, where: object) -> None:
    """Raises `VariableNotFound`."""
    row = rows.filter(name=name.replace("\0", "")).first()
    if row is None:
        raise VariableNotFound(name, where)
    record("variable.deleted", actor=actor, target=row, before={"secret": row.secret})
    row.delete()


def _check(name: str, value: str) -> None:
    try:
        VARIABLE_NAME(name)
    except ValidationError as error:
        raise InvalidValue(
            f"{name!r} cannot be the name of a variable. {error.message}", field="name"
        ) from error
    if "\0" in value or len(value.encode(errors="replace")) >= _LONGEST_VALUE:
        raise InvalidValue("The value contains a NUL character or is longer than 128 KiB.", field="value")
