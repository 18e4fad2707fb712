"""What a caller of projects can run into."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from common.errors import DomainError, Moved, NotFound

if TYPE_CHECKING:
    from projects.models import Project


class ProjectNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"Project {reference} does not exist.")


class ProjectMoved(Moved):
    """The address is one that the project had before it was renamed or transferred."""

    def __init__(self, project: "Project") -> None:
        super().__init__(
            f"The project is now called {project.full_name}. Use that address.",
            owner=project.owner.name,
            project=project.name,
        )


class ProjectNameTaken(DomainError):
    code = "unique"
    field = "name"

    def __init__(self, name: str, owner: object) -> None:
        super().__init__(f"{owner} already has a project called '{name}'. Choose another name.")


class OwnerRefused(DomainError):
    field = "owner"
    code = "does_not_exist"

    def __init__(self, text: object) -> None:
        super().__init__(
            f"'{text}' is not an owner that you may create projects for. Use your own name, the name of one of your "
            "organizations, or organization:team."
        )


class PersonalProjectsForbidden(DomainError):
    field = "owner"
    code = "personal_projects_forbidden"

    def __init__(self) -> None:
        super().__init__(
            "Your organization does not allow personal projects. Choose the organization or one of your teams as the owner."
        )


class CollaboratorRefused(DomainError):
    """Somebody who cannot be given this access; the message says why."""

    field = "user"


class NotAColleague(CollaboratorRefused):
    code = "not_a_member"

    def __init__(self, username: str, owner: object) -> None:
        super().__init__(f"{owner} has no member {username}. Invite people from elsewhere by e-mail.")


class CollaboratorNotFound(NotFound):
    def __init__(self, reference: object, project: object) -> None:
        super().__init__(f"{project} has no collaborator {reference}.")


class InvalidValue(DomainError):
    """One value of a request that cannot be used, with the reason in the message."""


class ProjectBusy(DomainError):
    code = "unfinished"
    http_status = 409

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count} execution{'s' if count != 1 else ''} of this project did not end yet. Stop them first, then "
            "delete the project."
        )


class RepositoryMissing(DomainError):
    code = "no_repository"

    def __init__(self) -> None:
        super().__init__("This project has no repository. Link one in its settings, or upload ad-hoc code.")


class CommitNotFound(DomainError):
    """A reference in a request that names no commit."""

    code = "does_not_exist"
    field = "commit"

    def __init__(self, reference: str) -> None:
        super().__init__(f"No commit '{reference}' in this project. Fetch the repository, then try again.")


class CommitAmbiguous(DomainError):
    code = "ambiguous"
    field = "commit"

    def __init__(self, reference: str, identifiers: Iterable[str]) -> None:
        found = ", ".join(identifier[:12] for identifier in identifiers)
        super().__init__(f"'{reference}' begins several commits: {found}. Give more characters.")


class CommitMissing(NotFound):
    """The commit addressed by a URL."""

    def __init__(self, identifier: str) -> None:
        super().__init__(f"Commit {identifier} does not exist.")


class ConfigBroken(DomainError):
    field = "commit"
    code = "config_broken"

    def __init__(self, commit: object, yaml_path: str, reason: str) -> None:
        super().__init__(f"{yaml_path} of commit {commit} cannot be used: {reason}")


class StepNotFound(DomainError):
    field = "step"
    code = "does_not_exist"

    def __init__(self, name: str, commit: object, steps: Iterable[str]) -> None:
        known = ", ".join(f"'{step}'" for step in steps)
        remedy = f"Its steps are: {known}." if known else "Its configuration has no steps."
        super().__init__(f"Commit {commit} has no step '{name}'. {remedy}")


class VariableNotFound(NotFound):
    def __init__(self, name: str, where: object = "This project") -> None:
        super().__init__(f"{where} has no environment variable '{name}'.")


class GroupNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"There is no group of variables {reference}.")


class GroupNameTaken(DomainError):
    code = "unique"
    field = "name"

    def __init__(self, name: str, organization: object) -> None:
        super().__init__(f"{organization} already has a group called '{name}'. Choose another name.")


class ForeignProject(DomainError):
    code = "does_not_exist"
    field = "projects"

    def __init__(self, reference: object, organization: object) -> None:
        super().__init__(
            f"{organization} has no project {reference}. Groups are assigned to projects of their own organization."
        )
