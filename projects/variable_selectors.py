"""Reads of an organization's variables and groups, for its owners, who manage them."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Prefetch, QuerySet

from accounts.models import User
from organizations.access import Capability, administered_by, organizations_of, require_in
from organizations.models import Organization
from projects.errors import ForeignProject, GroupNotFound
from projects.models import GroupVariable, OrganizationVariable, Project, VariableGroup


def variables_of_organization(organization: Organization) -> QuerySet[OrganizationVariable]:
    return OrganizationVariable.objects.filter(organization=organization).order_by("name")


def groups_of_organization(organization: Organization) -> QuerySet[VariableGroup]:
    return _whole(VariableGroup.objects.filter(organization=organization))


def administered_groups(user: User | AnonymousUser) -> QuerySet[VariableGroup]:
    """Of the organizations that the user owns."""
    return _whole(VariableGroup.objects.filter(administered_by(user, "organization_id")))


def get_group(user: User | AnonymousUser, group_id: UUID) -> VariableGroup:
    """For its management. Raises `GroupNotFound`, or `Forbidden` for members that are no owners."""
    group = (
        _whole(VariableGroup.objects.filter(organizations_of(user, "organization_id")))
        .filter(pk=group_id)
        .first()
    )
    if group is None:
        raise GroupNotFound(group_id)
    require_in(user, Capability.ADMINISTER, group.organization)
    return group


def group_of_organization(organization: Organization, group_id: UUID) -> VariableGroup:
    group = groups_of_organization(organization).filter(pk=group_id).first()
    if group is None:
        raise GroupNotFound(group_id)
    return group


def variables_of_group(group: VariableGroup) -> QuerySet[GroupVariable]:
    return group.variables.order_by("name")


def projects_of_organization(organization: Organization) -> QuerySet[Project]:
    return Project.objects.filter(owner_id=organization.pk).select_related("owner").order_by("name")


def projects_with_ids(organization: Organization, ids: Iterable[UUID]) -> list[Project]:
    """Raises `ForeignProject` for the first that is not the organization's."""
    wanted = list(ids)
    found = projects_of_organization(organization).in_bulk(wanted)
    for identity in wanted:
        if identity not in found:
            raise ForeignProject(identity, organization)
    return list(found.values())


def _whole(groups: QuerySet[VariableGroup]) -> QuerySet[VariableGroup]:
    """With what a list shows of them; the values of variables are not read."""
    variables = GroupVariable.objects.order_by("name").defer("value")
    return (
        groups.select_related("organization__owner")
        .prefetch_related(
            Prefetch("variables", variables), Prefetch("projects", Project.objects.order_by("name"))
        )
        .order_by("organization__owner__name", "name")
    )
