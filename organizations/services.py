"""Writes of organizations."""

from django.db import transaction

from accounts.models import Owner, User
from common.errors import DomainError
from organizations.models import Organization, OrganizationMembership


class NameTaken(DomainError):
    code = "name_taken"
    field = "name"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' is the name of a user or organization already. Choose another one.")


@transaction.atomic
def create_organization(*, actor: User, name: str) -> Organization:
    """A new organization with `actor` as its owner. Raises `NameTaken`, and ValidationError for an impossible name."""
    if Owner.objects.filter(name__iexact=name).exists():
        raise NameTaken(name)
    owner = Owner(name=name, kind=Owner.Kind.ORGANIZATION)
    owner.full_clean()
    owner.save()
    organization = Organization.objects.create(owner=owner)
    add_member(organization=organization, user=actor, role=OrganizationMembership.Role.OWNER)
    return organization


def add_member(
    *, organization: Organization, user: User, role: str = OrganizationMembership.Role.MEMBER
) -> OrganizationMembership:
    """Make the user a member, or give a member another role."""
    membership, _ = OrganizationMembership.objects.update_or_create(
        organization=organization, user=user, defaults={"role": role}
    )
    return membership
