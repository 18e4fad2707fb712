"""An organization with one of everything in it. All names begin with one word, so that a leak is seen wherever it is."""

import hashlib
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from itertools import count
from typing import Any

from django.db.models import Model

from accounts.models import ApiToken, EmailAddress, User, UserSession
from audit.models import AuditEvent
from audit.services import record
from common import clock
from datastores.models import (
    Adoption,
    AdoptionResult,
    Dataset,
    DatasetFile,
    DatasetPackage,
    DatasetVersion,
    DatasetVersionAlias,
    DatasetVersionAliasMove,
    DataStore,
    Datum,
    DatumAlias,
    DatumAliasMove,
    RetentionRule,
)
from environments.models import (
    EnrolmentToken,
    Environment,
    Machine,
    RegistryCredentials,
    ScalingDecision,
    TeamPlace,
    Worker,
    WorkerCredential,
)
from executions.models import Execution
from executions.types import Status
from organizations.models import Invitation, Organization, OrganizationMembership, Team, TeamMembership
from projects.models import (
    Commit,
    GroupVariable,
    OrganizationVariable,
    Project,
    ProjectCollaborator,
    ProjectInvitation,
    ProjectVariable,
    Repository,
    VariableGroup,
)
from tests.support import factories

IN_A_BUCKET = {
    "kind": DataStore.Kind.S3,
    "is_default": False,
    "configuration": {"bucket": "bucket", "region": "eu-west-1", "endpoint_url": "http://127.0.0.1:9"},
    "credentials": '{"access_key_id": "id", "secret_access_key": "key"}',
}
"""Nobody answers there, and it does so at once."""
PEOPLE = frozenset({"owner", "member"})
_numbers = count(1)


@dataclass(frozen=True)
class Tenant:
    word: str
    owner: User
    member: User  # in the organization and its team
    organization: Organization
    membership: OrganizationMembership  # the owner's
    token: ApiToken  # the owner's, and so the next two
    email: EmailAddress
    session: UserSession
    team: Team
    team_membership: TeamMembership  # the owner's, too
    invitation: Invitation
    organization_variable: OrganizationVariable
    group: VariableGroup
    group_variable: GroupVariable
    environment: Environment
    place: TeamPlace
    enrolment_token: EnrolmentToken
    worker: Worker
    credential: WorkerCredential
    registry: RegistryCredentials
    machine: Machine
    decision: ScalingDecision
    store: DataStore  # of the organization
    project_store: DataStore
    project: Project  # the team's
    shared_project: Project  # of no team
    project_invitation: ProjectInvitation
    collaborator: ProjectCollaborator
    repository: Repository
    variable: ProjectVariable
    commit: Commit
    execution: Execution
    datum: Datum
    alias: DatumAlias
    datum_alias_move: DatumAliasMove
    adoption: Adoption
    adoption_result: AdoptionResult
    rule: RetentionRule
    dataset: Dataset  # of the team's project
    version: DatasetVersion
    dataset_file: DatasetFile
    package: DatasetPackage
    version_alias: DatasetVersionAlias
    alias_move: DatasetVersionAliasMove
    event: AuditEvent

    @property
    def rows(self) -> dict[str, Model]:
        return {
            field.name: value
            for field in fields(self)
            if field.name not in PEOPLE and isinstance(value := getattr(self, field.name), Model)
        }

    @property
    def words(self) -> list[str]:
        """Texts that stand in what the organization has, and nowhere else."""
        return [
            *self.words_of_project,
            self.organization.name,
            self.team.name,
            self.shared_project.name,
            self.environment.name,
            self.store.name,
            self.group.name,
            self.organization_variable.name,
            self.registry.image_pattern,
            self.machine.provider_id,
            self.decision.text,
            self.worker.identity,
            self.invitation.email,
            self.owner.email,
            self.token.name,
        ]

    @property
    def words_of_project(self) -> list[str]:
        return [
            self.project.name,
            self.execution.title,
            self.datum.name,
            self.alias.name,
            self.commit.identifier,
            self.repository.url,
            self.project_store.name,
            self.adoption.addresses[0],
            self.rule.name,
            self.dataset.name,
            self.version.name,
            self.version_alias.name,
            self.variable.name,
        ]


def build_tenant(word: str, *, owner: User, collaborator: User) -> Tenant:
    """`owner` owns the organization; `collaborator` works in its project, and nothing else."""
    member = factories.make_user(f"{word}-member")
    organization = factories.make_organization(f"{word}-organization", owners=(owner,), members=(member,))
    team = factories.make_team(organization, f"{word}-team", members=(member,))
    in_organization = _of_organization(word, organization, team, owner)
    project = factories.make_project(organization, f"{word}-project", team=team, description=f"{word} plan")
    in_project = _of_project(word, project, owner, in_organization["environment"])
    return Tenant(
        word=word,
        owner=owner,
        member=member,
        organization=organization,
        token=ApiToken.objects.create(
            user=owner, name=f"{word}-token", digest=_digest(f"{word} token"), hint="000000"
        ),
        email=EmailAddress.objects.create(user=owner, email=f"other@{word}.example"),
        session=UserSession.objects.create(
            user=owner, session_key=_digest(f"{word} session")[:40], last_seen_at=clock.now()
        ),
        membership=OrganizationMembership.objects.get(organization=organization, user=owner),
        team=team,
        project=project,
        shared_project=factories.make_project(organization, f"{word}-shared-project"),
        event=AuditEvent.objects.get(target_id=str(project.pk)),
        team_membership=TeamMembership.objects.create(team=team, user=owner),
        collaborator=factories.make_collaborator(project, collaborator),
        **in_organization,
        **in_project,
    )


def with_project(tenant: Tenant, word: str, project: Project, *, owner: User, collaborator: User) -> Tenant:
    """The same organization, seen from another project: `owner` made everything in it."""
    return replace(
        tenant,
        word=word,
        project=project,
        **_of_project(word, project, owner, tenant.environment),
        event=AuditEvent.objects.get(target_id=str(project.pk)),
        collaborator=factories.make_collaborator(project, collaborator),
    )


def _of_organization(word: str, organization: Organization, team: Team, owner: User) -> dict[str, Any]:
    group = VariableGroup.objects.create(organization=organization, name=f"{word}-group")
    # One that both organizations have, so that a name tells nothing of whose it is.
    OrganizationVariable.objects.create(organization=organization, name="SHARED", value=f"{word} value")
    environment = factories.make_environment(f"{word}-environment", owner=organization.owner)
    invited = {"email": f"guest@{word}.example", "inviter": owner, **_validity(f"{word} organization")}
    worker = Worker.objects.create(
        identity=f"{word}-worker",
        host=f"{word}-host",
        queues=[environment.queue_name],
        last_seen_at=clock.now(),
    )
    return {
        "enrolment_token": EnrolmentToken.objects.create(
            environment=environment,
            digest=_digest(f"{word} enrolment token"),
            hint="peon-000000",
            creator=owner,
            expires_at=clock.now() + timedelta(days=1),
        ),
        "worker": worker,
        "credential": WorkerCredential.objects.create(
            worker=worker, environment=environment, digest=_digest(f"{word} worker")
        ),
        "invitation": Invitation.objects.create(organization=organization, **invited),
        "organization_variable": OrganizationVariable.objects.create(
            organization=organization, name=f"{word}-organization-variable", value=f"{word} value"
        ),
        "group": group,
        "group_variable": GroupVariable.objects.create(
            group=group, name=f"{word}-group-variable", value=f"{word} value", secret=True
        ),
        "environment": environment,
        "place": TeamPlace.objects.create(environment=environment, team=team, max_running=3),
        "registry": RegistryCredentials.objects.create(
            owner=organization.owner,
            kind=RegistryCredentials.Kind.DOCKER,
            image_pattern=f"docker.io/{word}/*",
            secrets=f'{{"password": "{word} password"}}',
        ),
        "machine": Machine.objects.create(
            environment=environment, provider="local", provider_id=f"{word}-machine", status="ready"
        ),
        "decision": ScalingDecision.objects.create(
            environment=environment, kind="launched", text=f"Starts 1 machine for {word}."
        ),
        "store": factories.make_store(
            name=f"{word}-store",
            owner=organization.owner,
            access_mode=DataStore.AccessMode.OWNER_ORGANIZATION,
            **IN_A_BUCKET,
        ),
    }


def _of_project(word: str, project: Project, owner: User, environment: Environment) -> dict[str, Any]:
    commit = factories.make_commit(project)
    execution = factories.make_execution(
        project,
        status=Status.STARTED,
        commit=commit,
        environment=environment,
        creator=owner,
        title=f"{word}-title",
        tags=[f"{word}-tag"],
        environment_variables={"OWN": f"{word} value"},
    )
    datum = factories.make_datum(project, name=f"{word}-file.txt", tags=[f"{word}-tag"], uploader=owner)
    dataset = factories.make_dataset(project, name=f"{word}-dataset", creator=owner)
    older = factories.make_dataset_version(dataset, datum, name=f"{word}-older-version")
    version = factories.make_dataset_version(dataset, datum, name=f"{word}-version", previous_version=older)
    invited = {"email": f"guest@{word}.example", "inviter": owner, **_validity(f"{word} project")}
    record("project.created", actor=owner, target=project, after={"name": project.name})
    store = factories.make_store(
        name=f"{word}-project-store",
        project=project,
        access_mode=DataStore.AccessMode.SINGLE_PROJECT,
        allow_adopt=True,
        **IN_A_BUCKET,
    )
    adoption = factories.make_adoption(project, store, addresses=[f"s3://bucket/{word}-folder/"])
    return {
        "project_store": store,
        "adoption": adoption,
        "adoption_result": adoption.results.create(uri=f"s3://bucket/{word}-folder/a", outcome="refused"),
        "project_invitation": ProjectInvitation.objects.create(project=project, **invited),
        "repository": Repository.objects.create(
            pk=8_000_000 + next(_numbers), project=project, url=f"https://git.example.com/{word}.git"
        ),
        "variable": ProjectVariable.objects.create(
            project=project, name=f"{word}-variable", value=f"{word} value", secret=True
        ),
        "commit": commit,
        "execution": execution,
        "datum": datum,
        "alias": DatumAlias.objects.create(project=project, name=f"{word}-alias", datum=datum),
        "datum_alias_move": DatumAliasMove.objects.create(
            project=project,
            name=f"{word}-alias",
            moved_at=clock.now(),
            to_datum_id=datum.pk,
            to_name=datum.name,
        ),
        "rule": RetentionRule.objects.create(
            project=project, name=f"{word}-rule", min_age_days=30, tried_at=clock.now()
        ),
        "dataset": dataset,
        "version": version,
        "dataset_file": DatasetFile.objects.get(version=version),
        "package": factories.make_dataset_package(version),
        "version_alias": DatasetVersionAlias.objects.create(
            dataset=dataset, name=f"{word}-version-alias", version=version
        ),
        "alias_move": DatasetVersionAliasMove.objects.create(
            dataset=dataset, alias_name=f"{word}-version-alias", version=version
        ),
    }


def _validity(secret: str) -> dict[str, Any]:
    now = clock.now()
    return {
        "digest": _digest(secret),
        "sent_at": now,
        "expires_at": now + timedelta(days=7),
    }


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
