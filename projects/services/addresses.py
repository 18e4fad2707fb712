"""Where a project is found: its owner and its name. An address that it leaves leads to it until another project takes it."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from projects.errors import ProjectNameTaken
from projects.models import FormerAddress, Project


@transaction.atomic
def save_at_address(project: Project, *, fields: Iterable[str] | None = None) -> None:
    """Save the project, where its `owner` and `name` say that it is from now on. Raises `ProjectNameTaken`."""
    before = Project.objects.filter(pk=project.pk).values_list("owner_id", "name").first()
    try:
        with transaction.atomic():
            project.save(update_fields=None if fields is None else [*fields, "updated_at"])
    except IntegrityError as error:
        if "project_name_unique_for_owner" not in str(error):
            raise
        raise ProjectNameTaken(project.name, project.owner) from error
    _forget(project.owner_id, project.name)
    if before and (before[0], before[1].lower()) != (project.owner_id, project.name.lower()):
        _remember(project, *before)


def _remember(project: Project, owner_id: int, name: str) -> None:
    _forget(owner_id, name)
    FormerAddress.objects.create(project=project, owner_id=owner_id, name=name)


def _forget(owner_id: int, name: str) -> None:
    FormerAddress.objects.filter(owner_id=owner_id, name__iexact=name).delete()
