"""Reads of adoptions; they start from the projects that the user may see."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from accounts.models import User
from datastores.errors import AdoptionNotFound
from datastores.models import Adoption, AdoptionResult, DataStore
from datastores.selectors import readable_by
from organizations.access import visible_to
from projects.models import Project


def adoptions_for(user: User | AnonymousUser) -> QuerySet[Adoption]:
    """Newest first."""
    visible = Adoption.objects.filter(visible_to(user, via="project"))
    return visible.select_related("project__owner", "store", "creator").order_by("-id")


def get_adoption(user: User | AnonymousUser, adoption_id: UUID) -> Adoption:
    adoption = adoptions_for(user).filter(pk=adoption_id).first()
    if adoption is None:
        raise AdoptionNotFound(adoption_id)
    return adoption


def results_of(adoption: Adoption, outcome: str = "") -> QuerySet[AdoptionResult]:
    """In the order in which they were looked at; with `outcome`, those alone. An unknown outcome is nobody's."""
    results = AdoptionResult.objects.filter(adoption=adoption).select_related("datum").order_by("pk")
    return results.filter(outcome=outcome) if outcome else results


def adoptable_stores(project: Project) -> QuerySet[DataStore]:
    connected = readable_by(project).filter(allow_adopt=True).exclude(kind=DataStore.Kind.PLATFORM)
    return connected.order_by("name", "pk")
