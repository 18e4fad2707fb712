"""Environment variables that every execution of a project inherits."""

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from audit.services import record
from organizations.access import Capability, require
from projects.errors import InvalidValue, VariableNotFound
from projects.models import VARIABLE_NAME, Project, ProjectVariable

_LONGEST_VALUE = 128 * 1024  # what Linux takes for one string in a process's environment


@transaction.atomic
def set_variable(*, project: Project, actor: User, name: str, value: str, secret: bool) -> ProjectVariable:
    """Create the variable, or replace it."""
    require(actor, Capability.ADMINISTER, project)
    try:
        VARIABLE_NAME(name)
    except ValidationError as error:
        raise InvalidValue(
            f"{name!r} cannot be the name of a variable. {error.message}", field="name"
        ) from error
    if "\0" in value or len(value.encode(errors="replace")) >= _LONGEST_VALUE:
        raise InvalidValue("The value contains a NUL character or is longer than 128 KiB.", field="value")
    before = project.variables.filter(name=name).first()
    variable, _ = ProjectVariable.objects.update_or_create(
        project=project, name=name, defaults={"value": value, "secret": secret}
    )
    # Values stay out of the log, also those that are not said to be secret: people put passwords there all the same.
    record(
        "variable.set",
        actor=actor,
        target=variable,
        before={"secret": before.secret} if before else {},
        after={"secret": secret} | ({} if before and before.value == value else {"value": "(changed)"}),
    )
    return variable


@transaction.atomic
def delete_variable(*, project: Project, actor: User, name: str) -> None:
    require(actor, Capability.ADMINISTER, project)
    variable = project.variables.filter(name=name.replace("\0", "")).first()
    if variable is None:
        raise VariableNotFound(name)
    record("variable.deleted", actor=actor, target=variable, before={"secret": variable.secret})
    variable.delete()
