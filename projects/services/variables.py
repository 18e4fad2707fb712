"""Environment variables that every execution of a project inherits."""

from django.db import transaction

from accounts.models import User
from organizations.access import Capability, require
from projects.models import Project, ProjectVariable
from projects.services.variable_rows import delete_row, set_row


@transaction.atomic
def set_variable(
    *, project: Project, actor: User, name: str, value: str | None, secret: bool
) -> ProjectVariable:
    """Create the variable, or replace it; None keeps its value. Raises `InvalidValue`."""
    require(actor, Capability.ADMINISTER, project)
    rows = ProjectVariable.objects.filter(project=project)
    return set_row(rows, actor=actor, name=name, value=value, secret=secret, project=project)


@transaction.atomic
def delete_variable(*, project: Project, actor: User, name: str) -> None:
    require(actor, Capability.ADMINISTER, project)
    delete_row(ProjectVariable.objects.filter(project=project), actor=actor, name=name, where="This project")
