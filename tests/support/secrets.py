"""A secret of its own in every place that stores one, to see where it turns up."""

import json
from typing import Any

from accounts.models import TotpDevice, User
from common import clock
from common.rotation import encrypted_fields
from datastores.models import DataStore
from environments.models import RegistryCredentials
from organizations.models import Organization
from projects import models as projects
from projects.models import Project
from tests.support import factories

SECRETS = {
    "accounts.TotpDevice.seed": "PLANTEDSEEDPLANTEDSEEDPLANTEDSEE",
    "projects.Repository.access_token": "planted-access-token",
    "projects.Repository.private_key": "planted-private-key",
    "projects.ProjectVariable.value": "planted-project-variable",
    "projects.OrganizationVariable.value": "planted-organization-variable",
    "projects.GroupVariable.value": "planted-group-variable",
    "environments.Environment.provider_secrets": "planted-cloud-key",
    "environments.RegistryCredentials.secrets": "planted-registry-password",
    "datastores.DataStore.credentials": "planted-store-key",
}
"""By place. Where JSON is stored, the secret is a value in it."""


def assert_every_place_is_known() -> None:
    places = {f"{model._meta.label}.{name}" for model, name in encrypted_fields()}
    assert places == set(SECRETS), (
        "Plant a secret in every place that stores one, in tests/support/secrets.py."
    )


def plant(user: User, project: Project, organization: Organization) -> None:
    """Rows of the user, of the project and of the organization that hold every secret of `SECRETS`."""
    assert_every_place_is_known()
    TotpDevice.objects.update_or_create(
        user=user, defaults={"seed": SECRETS["accounts.TotpDevice.seed"], "confirmed_at": clock.now()}
    )
    repository, _ = projects.Repository.objects.get_or_create(
        project=project, defaults={"url": "https://git.example.com/planted.git"}
    )
    repository.access_token = SECRETS["projects.Repository.access_token"]
    repository.private_key = SECRETS["projects.Repository.private_key"]
    repository.save()
    group = projects.VariableGroup.objects.create(organization=organization, name="planted-group")
    group.projects.add(project)
    _plant_variable(projects.ProjectVariable, project=project)
    _plant_variable(projects.OrganizationVariable, organization=organization)
    _plant_variable(projects.GroupVariable, group=group)
    password = SECRETS["environments.RegistryCredentials.secrets"]
    RegistryCredentials.objects.create(
        kind=RegistryCredentials.Kind.DOCKER,
        image_pattern="docker.io/planted/*",
        owner=organization.owner,
        configuration={"username": "robot"},
        secrets=json.dumps({"password": password}),
    )
    factories.make_environment(
        "planted-machines",
        owner=organization.owner,
        provider="aws",  # without a template, nobody is asked for anything
        provider_secrets=json.dumps(
            {"secret_access_key": SECRETS["environments.Environment.provider_secrets"]}
        ),
    )
    factories.make_store(
        name="planted-store",
        kind=DataStore.Kind.S3,
        is_default=False,
        access_mode=DataStore.AccessMode.OWNER_ORGANIZATION,
        owner=organization.owner,
        configuration={"bucket": "planted"},
        credentials=json.dumps({"secret_access_key": SECRETS["datastores.DataStore.credentials"]}),
    )


def _plant_variable(model: Any, **where: Any) -> None:
    model.objects.create(
        name=f"PLANTED_{model.__name__.upper()}",
        value=SECRETS[f"{model._meta.label}.value"],
        secret=True,
        **where,
    )
