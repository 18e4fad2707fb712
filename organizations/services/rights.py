"""What every write does first: hold the organization, then ask for the right."""

from accounts.models import User
from organizations.access import Capability, require_in
from organizations.errors import OrganizationNotFound
from organizations.models import Organization


def hold(organization: Organization) -> None:
    """Until the transaction ends nobody else changes who belongs to the organization or to its teams."""
    if not Organization.objects.select_for_update(no_key=True).filter(pk=organization.pk).exists():
        raise OrganizationNotFound(organization)


def hold_and_require(actor: User, organization: Organization) -> None:
    """The right is asked for behind the lock: whoever lost it a moment ago is refused."""
    hold(organization)
    require_in(actor, Capability.ADMINISTER, organization)
