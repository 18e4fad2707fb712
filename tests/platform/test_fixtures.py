"""The tests' own ground: the cast and the rows that factories make."""

from accounts.models import User
from executions.types import Status
from projects.models import Project
from tests.support import factories


def test_cast_has_different_rights(alice: User, bob: User, charlie: User, project: Project) -> None:
    assert project.owner_id == alice.pk
    assert project.collaborators.filter(user=bob).exists()
    assert not project.collaborators.filter(user=charlie).exists()


def test_every_status_can_be_made(project: Project) -> None:
    made = [factories.make_execution(project, status=status) for status in Status]
    assert [execution.counter for execution in made] == list(range(1, len(Status) + 1))


def test_organizations_have_teams(alice: User, charlie: User) -> None:
    organization = factories.make_organization(owners=(alice,), members=(charlie,))
    team = factories.make_team(organization, members=(charlie,), is_read_only=True)
    assert factories.make_project(owner=organization, team=team).full_name.startswith(organization.name)


def test_datums_are_in_the_default_store(project: Project) -> None:
    assert factories.make_datum(project).store == factories.make_datum(project).store
