"""One project with everything in it, a stranger, and a read-only collaborator."""

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from accounts.models import ApiToken, User, UserSession
from common import clock
from datastores.models import Datum, DatumAlias
from environments.models import Environment, RegistryCredentials
from executions.models import Execution
from executions.types import Status
from organizations.models import Invitation, Organization, Team
from projects.models import (
    Commit,
    GroupVariable,
    Project,
    ProjectInvitation,
    ProjectVariable,
    Repository,
    VariableGroup,
)
from tests.support import factories

if TYPE_CHECKING:
    from tests.access.declared.route import Route

REPOSITORY_URL = "https://git.example.com/secret.git"


@dataclass
class World:
    alice: User
    charlie: User
    viewer: User
    bob: User
    project: Project
    commit: Commit
    execution: Execution
    datum: Datum
    alias: DatumAlias
    organization: Organization
    team: Team
    token: ApiToken
    invitation: Invitation
    project_invitation: ProjectInvitation
    session: UserSession
    environment: Environment
    registry: RegistryCredentials
    group: VariableGroup

    @property
    def secrets(self) -> list[str]:
        """Words that stand in everything of the project and nowhere else."""
        return [
            self.project.name,
            self.execution.title,
            self.datum.name,
            self.commit.identifier,
            "alice@example.com",
            "secret-organization",
            "secret-team",
            self.invitation.email,
            self.project_invitation.email,
            "secret-registry",
            "secret-environment",
            "secret-group",
        ]

    def path(self, route: str) -> str:
        """An address for the route text, its parameters filled in with what is in the project."""

        def value(found: re.Match[str]) -> str:
            return self._value(found.group(2) or found.group(3), route)

        text = re.sub(r"<(?:(\w+):)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", value, route)
        return "/" + re.sub(r"[\^$\\]|\?$", "", text)

    def filled(self, route: "Route") -> "Route":
        """The route with `{project}` and the like in its body replaced by ids of the project's things."""
        ids = {"project": self.project.pk, "datum": self.datum.pk, "execution": self.execution.pk}
        text = json.dumps(route.body)
        for name, value in ids.items():
            text = text.replace("{" + name + "}", str(value))
        return replace(route, body=json.loads(text))

    def _value(self, name: str, route: str) -> str:
        by_name = {
            "project_id": self.project.pk,
            "owner": self.alice.username,
            "project": self.project.name,
            "identifier": self.commit.identifier,
            "ref": self.execution.pk,
            "execution_id": self.execution.pk,
            "datum_id": self.datum.pk,
            "alias_id": self.alias.pk,
            "store_id": self.datum.store_id,
            "environment_id": self.execution.environment_id,
            "epoch": self.execution.epoch,
            "tab": "general",
            "organization": self.organization.name,
            "user_id": self.viewer.pk,
            "invitation_id": (self.project_invitation if "project" in route else self.invitation).pk,
            "secret": "forged",
            "token": "forged",
            "token_id": self.token.pk,
            "email_id": self.alice.email_addresses.get().pk,
            "session_id": self.session.pk,
            "organization_id": self.organization.pk,
            "team_id": self.team.pk,
            "reference": self.environment.pk,
            "environment": self.environment.slug,
            "registry_id": self.registry.pk,
            "group_id": self.group.pk,
            "kind": "docker",
            "filename": "file.txt",
        }
        if name in by_name:
            return str(by_name[name])
        raise LookupError(
            f"The access matrix knows no value for <{name}> in {route!r}: add one to World._value."
        )

    def assert_untouched(self) -> None:
        execution = Execution.objects.get(pk=self.execution.pk)
        assert execution.status == Status.STARTED
        assert execution.stop_requested_at is None
        assert execution.deleted_at is None
        assert (execution.title, execution.tags) == (self.execution.title, self.execution.tags)
        project = Project.objects.get(pk=self.project.pk)
        assert (project.name, project.description) == (self.project.name, self.project.description)
        repository = Repository.objects.get(project=self.project)
        assert (repository.url, repository.public_key) == (REPOSITORY_URL, "")
        assert DatumAlias.objects.get(pk=self.alias.pk).datum_id == self.datum.pk
        datum = Datum.objects.get(pk=self.datum.pk)
        assert (datum.purged_at, datum.properties) == (None, self.datum.properties)
        assert GroupVariable.objects.get(group=self.group).value == "variable-value"
        assert Environment.objects.get(pk=self.environment.pk).name == self.environment.name
        assert (
            RegistryCredentials.objects.get(pk=self.registry.pk).image_pattern == self.registry.image_pattern
        )


def build_world() -> World:
    alice = factories.make_user("alice")
    viewer, bob = factories.make_user("viewer"), factories.make_user("bob")
    project = factories.make_project(alice, name="top-secret-project", description="nobody knows")
    factories.make_collaborator(project, viewer, is_read_only=True)
    Repository.objects.create(project=project, url=REPOSITORY_URL)
    ProjectVariable.objects.create(project=project, name="KEY", value="variable-value", secret=True)
    commit = factories.make_commit(project)
    execution = factories.make_execution(
        project, status=Status.STARTED, commit=commit, title="secret-title", tags=["secret-tag"]
    )
    datum = factories.make_datum(project, name="secret-file.txt")
    alias = DatumAlias.objects.create(project=project, name="secret-alias", datum=datum)
    organization = factories.make_organization("secret-organization", owners=(alice,), members=(viewer, bob))
    team = factories.make_team(organization, "secret-team", members=(alice, viewer))
    invitation = factories.make_invitation(organization, "secret-friend@example.com", inviter=alice)
    token = ApiToken.objects.create(user=alice, name="secret-token", digest="0" * 64, hint="000000")
    project_invitation = factories.make_project_invitation(project, "secret-guest@example.com")
    session = UserSession.objects.create(user=alice, session_key="0" * 32, last_seen_at=clock.now())
    environment = factories.make_environment("secret-environment", owner=organization.owner)
    registry = factories.make_registry(organization, "secret-registry.example.com/*")
    group = factories.make_group(organization, "secret-group", {"KEY": "variable-value"})
    charlie = factories.make_user("charlie")
    return World(
        alice, charlie, viewer, bob, project, commit, execution, datum, alias, organization, team, token, invitation,
        project_invitation, session, environment, registry, group,
    )  # fmt: skip
