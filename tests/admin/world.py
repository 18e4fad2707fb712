"""One row of every model, with secrets in every place that can hold one."""

import hashlib
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model

from accounts.models import EmailAddress, RecoveryCode, TotpDevice, UserSession
from accounts.services import create_api_token
from audit.services import record
from common import clock
from datastores.datasets import services
from datastores.models import RetentionRule
from datastores.services import set_alias
from environments.models import (
    EnrolmentToken,
    Machine,
    RegistryCredentials,
    ScalingDecision,
    TeamPlace,
    Worker,
    WorkerCredential,
)
from executions.models import Execution, ExecutionInput, InputAddress, LogChunk, MetadataChunk, ResourceSample
from executions.types import Status
from organizations.models import Invitation
from projects.models import (
    FormerAddress,
    GroupVariable,
    OrganizationVariable,
    ProjectInvitation,
    ProjectVariable,
    Repository,
    VariableGroup,
)
from tests.support import factories

SECRETS = (
    "token-of-git", "private-half", "variable-value", "store-secret", "own-variable-value",
    "seed-of-a-second-factor", "digest-of-a-code", "key-of-a-session", "digest-of-an-invitation", "registry-secret",
    "organization-value", "group-value", "digest-of-a-project-invitation",
    "digest-of-an-enrolment", "digest-of-a-worker",
    "digest-of-a-password-in-redis",
)  # fmt: skip
OWN_APPS = ("audit", "accounts", "organizations", "projects", "environments", "datastores", "executions")


def own_models() -> list[type[Model]]:
    return [model for label in OWN_APPS for model in apps.get_app_config(label).get_models()]


def registered() -> set[type[Model]]:
    return set(admin.site._registry)


def build_world() -> dict[str, Any]:
    alice, bob = factories.make_user("alice"), factories.make_user("bob")
    _, secret = create_api_token(user=alice, name="laptop")
    organization = factories.make_organization("acme", owners=(alice,))
    team = factories.make_team(organization, "vision", members=(alice,))
    project = factories.make_project(alice, name="demo")
    factories.make_collaborator(project, bob)
    now = clock.now()
    EmailAddress.objects.create(user=alice, email="alice@example.org", verified_at=now)
    TotpDevice.objects.create(user=alice, seed=SECRETS[5], confirmed_at=now)
    RecoveryCode.objects.create(user=alice, digest=SECRETS[6])
    UserSession.objects.create(user=alice, session_key=SECRETS[7], last_seen_at=now)
    sent = {"email": "dora@example.com", "sent_at": now, "expires_at": now, "inviter": alice}
    Invitation.objects.create(organization=organization, digest=SECRETS[8], **sent).teams.add(team)
    ProjectInvitation.objects.create(project=project, digest=SECRETS[12], **sent)
    FormerAddress.objects.create(owner=alice.owner, name="old-name", project=project)
    OrganizationVariable.objects.create(organization=organization, name="ALL", value=SECRETS[10], secret=True)
    group = VariableGroup.objects.create(organization=organization, name="shared")
    group.projects.add(project)
    GroupVariable.objects.create(group=group, name="GROUPED", value=SECRETS[11], secret=True)
    environment = factories.make_environment("gpu", owner=organization.owner)
    TeamPlace.objects.create(environment=environment, team=team, max_running=1)
    Machine.objects.create(environment=environment, provider="local", status="ready")
    ScalingDecision.objects.create(environment=environment, kind="launched", text="Starts 1 machine.")
    RegistryCredentials.objects.create(
        owner=organization.owner, kind="docker", image_pattern="acme/*", secrets=SECRETS[9]
    )
    record("project.created", actor=alice, target=project)
    Repository.objects.create(
        project=project, url="https://git.example.com/x.git", access_token=SECRETS[0], private_key=SECRETS[1]
    )
    ProjectVariable.objects.create(project=project, name="KEY", value=SECRETS[2], secret=True)
    execution = make_execution(project)
    store = factories.make_store(credentials=SECRETS[3])
    factories.make_adoption(project, store).results.create(uri="s3://bucket/folder/a", outcome="refused")
    datum = factories.make_datum(project, name="model.bin")
    set_alias(project=project, actor=alice, name="best", datum=datum)
    RetentionRule.objects.create(project=project, name="old files", min_age_days=30)
    ExecutionInput.objects.create(execution=execution, datum=datum, name="data")
    dataset = factories.make_dataset(project)
    version = factories.make_dataset_version(dataset, datum)
    factories.make_dataset_package(version)
    services.set_alias(version=version, actor=alice, name="production")
    address = InputAddress.objects.create(project=project, address="s3://bucket/a", digest="0" * 64)
    ExecutionInput.objects.create(execution=execution, address=address, name="data")
    ExecutionInput.objects.create(execution=execution, version=version, name="data")
    worker = Worker.objects.create(identity="host-1", host="host", last_seen_at=now)
    token = EnrolmentToken.objects.create(
        environment=environment, digest=SECRETS[13], hint="peon-abcdef", expires_at=now
    )
    WorkerCredential.objects.create(
        worker=worker, environment=environment, token=token, digest=SECRETS[14], redis_digest=SECRETS[15]
    )
    return {
        "alice": alice,
        "bob": bob,
        "token": secret,
        "project": project,
        "execution": execution,
        "datum": datum,
    }


def make_execution(project: Any) -> Execution:
    execution = factories.make_execution(
        project, status=Status.STARTED, environment_variables={"OWN": SECRETS[4]}, title="first"
    )
    now = clock.now()
    LogChunk.objects.create(
        execution=execution, first_line=0, line_count=1, first_time=now, raw_size_bytes=1, data=b"x"
    )
    MetadataChunk.objects.create(execution=execution, first_index=0, event_count=1, data=b"x")
    ResourceSample.objects.create(execution=execution, started_at=now, values={}, sample_count=1)
    return execution


def secrets_of(world: dict[str, Any]) -> list[str]:
    digest = hashlib.sha256(world["token"].encode()).hexdigest()
    return [*SECRETS, world["token"], digest]
