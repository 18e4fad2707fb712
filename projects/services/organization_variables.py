"""Environment variables that executions of every project of an organization inherit. Its owners decide."""

from django.db import transaction

from accounts.models import User
from organizations.access import Capability, require_in
from organizations.models import Organization
from projects.models import OrganizationVariable
from projects.services.variable_rows import delete_row, set_row


@transaction.atomic
def set_organization_variable(
    *, organization: Organization, actor: User, name: str, value: str | None, secret: bool
) -> OrganizationVariable:
    """Create the variable, or replace it; None keeps its value. Raises `InvalidValue`."""
    require_in(actor, Capability.ADMINISTER, organization)
    rows = OrganizationVariable.objects.filter(organization=organization)
    return set_row(rows, actor=actor, name=name, value=value, secret=secret, organization=organization)


@transaction.atomic
def delete_organization_variable(*, organization: Organization, actor: User, name: str) -> None:
    require_in(actor, Capability.ADMINISTER, organization)
    rows = OrganizationVariable.objects.filter(organization=organization)
    delete_row(rows, actor=actor, name=name, where=organization)
