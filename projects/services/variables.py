"""Environment variables that every execution of a project inherits."""

from django.core.exceptions import ValidationError

from accounts.models import User
from organizations.access import Capability, require
from projects.errors import InvalidValue, VariableNotFound
from projects.models import VARIABLE_NAME, Project, ProjectVariable

_LONGEST_VALUE = 128 * 1024  # what Linux takes for one string in a process's environment


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
    variable, _ = ProjectVariable.objects.update_or_create(
        project=project, name=name, defaults={"value": value, "secret": secret}
    )
    return variable


def delete_variable(*, project: Project, actor: User, name: str) -> None:
    require(actor, Capability.ADMINISTER, project)
    deleted, _ = project.variables.filter(name=name.replace("\0", "")).delete()
    if not deleted:
        raise VariableNotFound(name)
