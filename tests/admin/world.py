"""One row of every model, with secrets in every place that can hold one."""

import hashlib
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model

from accounts.services import create_api_token
from common import clock
from datastores.models import DatumAlias
from environments.models import Worker
from executions.models import Execution, LogChunk, MetadataChunk, ResourceSample
from executions.types import Status
from projects.models import ProjectVariable, Repository
from tests.support import factories

SECRETS = ("token-of-git", "private-half", "variable-value", "store-secret", "own-variable-value")
OWN_APPS = ("accounts", "organizations", "projects", "environments", "datastores", "executions")


def own_models() -> list[type[Model]]:
    return [model for label in OWN_APPS for model in apps.get_app_config(label).get_models()]


def registered() -> set[type[Model]]:
    return set(admin.site._registry)


def build_world() -> dict[str, Any]:
    alice, bob = factories.make_user("alice"), factories.make_user("bob")
    _, secret = create_api_token(user=alice, name="laptop")
    organization = factories.make_organization("acme", owners=(alice,))
    factories.make_team(organization, "vision", members=(alice,))
    project = factories.make_project(alice, name="demo")
    factories.make_collaborator(project, bob)
    Repository.objects.create(
        project=project, url="https://git.example.com/x.git", access_token=SECRETS[0], private_key=SECRETS[1]
    )
    ProjectVariable.objects.create(project=project, name="KEY", value=SECRETS[2], secret=True)
    execution = make_execution(project)
    factories.make_store(credentials=SECRETS[3])
    datum = factories.make_datum(project, name="model.bin")
    DatumAlias.objects.create(project=project, name="best", datum=datum)
    Worker.objects.create(identity="host-1", host="host", last_seen_at=clock.now())
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
