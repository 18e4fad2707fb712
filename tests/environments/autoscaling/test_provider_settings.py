"""Who starts an environment's machines, and with which credentials: superusers say so, everything is checked, nothing leaks."""

import json
import logging
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent
from common.crypto import decrypt
from common.errors import FieldsRefused
from environments import services
from environments.autoscaling.facts import load_environments
from environments.errors import MachinesRun, NothingToCheck, ProviderForOperators
from environments.models import Environment, Machine
from environments.services.provider import check_provider
from tests.support.factories import make_environment, make_organization, make_user

pytestmark = pytest.mark.django_db

KEYS = {"access_key_id": "AKIAVERYSECRET000001", "secret_access_key": "very-secret-key-0001"}
TEMPLATE = {
    "region": "eu-west-1", "subnets": ["subnet-01234567"], "security_groups": ["sg-01234567"],
    "instance_types": ["g5.xlarge"], "image": "ami-01234567", "spot": True, "spot_max_price": 0.5,
}  # fmt: skip


@pytest.fixture
def root() -> User:
    return make_user("root", is_superuser=True)


@pytest.fixture
def owner() -> User:
    return make_user("olivia")


@pytest.fixture
def environment(owner: User) -> Environment:
    return make_environment("acme-gpu", owner=make_organization("acme", owners=(owner,)).owner)


def choose_aws(environment: Environment, root: User, **given: Any) -> Environment:
    return services.update_environment(
        environment=environment, actor=root, provider="aws", machine_template=TEMPLATE, **given
    )


def stored(environment: Environment) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT provider_secrets FROM environments_environment WHERE id = %s", [environment.pk]
        )
        return str(cursor.fetchone()[0])


def test_credentials_are_encrypted_and_the_autoscaler_has_them(environment: Environment, root: User):
    choose_aws(environment, root, provider_credentials=KEYS)
    assert "SECRET" not in stored(environment)
    assert json.loads(decrypt(stored(environment))) == KEYS
    (row,) = load_environments()
    assert row.place.secrets() == KEYS
    assert "VERYSECRET" not in repr(row) + repr(row.place)


def test_they_are_in_no_answer_no_audit_and_no_log(
    environment: Environment, root: User, client: Client, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    client.force_login(root)
    url = f"/api/v0/environments/{environment.slug}/"
    given = {"provider": "aws", "machine_template": TEMPLATE, "provider_credentials": KEYS}
    changed = client.patch(url, given, content_type="application/json")
    assert changed.status_code == 200, changed.content
    page = client.get(f"/environments/{environment.slug}/provider/")
    assert "Stored. Leave the field empty to keep it." in page.content.decode()
    event = AuditEvent.objects.get(kind="environment.changed")
    shown = [changed.content.decode(), client.get(url).content.decode(), page.content.decode(), caplog.text]
    shown.append(json.dumps([event.before, event.after], default=str))
    for text in shown:
        for secret in KEYS.values():
            assert secret not in text
    assert event.after["provider_credentials"] == "(secret)"


def test_what_is_left_out_stays_and_an_empty_text_removes(environment: Environment, root: User):
    choose_aws(environment, root, provider_credentials=KEYS)
    services.update_environment(
        environment=environment, actor=root, provider_credentials={"access_key_id": "AKIAOTHER"}
    )
    environment.refresh_from_db()
    assert json.loads(environment.provider_secrets) == {**KEYS, "access_key_id": "AKIAOTHER"}
    services.update_environment(environment=environment, actor=root, name="Other")
    environment.refresh_from_db()
    assert json.loads(environment.provider_secrets)["access_key_id"] == "AKIAOTHER"
    services.update_environment(
        environment=environment, actor=root, provider_credentials=dict.fromkeys(KEYS, "")
    )
    environment.refresh_from_db()
    assert environment.provider_secrets == ""


def test_they_go_with_the_provider_that_they_were_for(environment: Environment, root: User):
    choose_aws(environment, root, provider_credentials=KEYS)
    services.update_environment(environment=environment, actor=root, provider="local", machine_template={})
    assert stored(environment) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": "aws", "machine_template": {**TEMPLATE, "credentials": "installation"}},
        {"machine_template": {**TEMPLATE, "instance_profile": "admin"}},
        {"provider_credentials": KEYS},
        {"provider": None, "machine_template": {}},
    ],
)
def test_an_owner_cannot_take_the_installations_account(
    environment: Environment, root: User, owner: User, changes: dict[str, Any]
):
    if changes.get("provider") != "aws":
        choose_aws(environment, root, provider_credentials=KEYS)
        environment.refresh_from_db()
    before = (environment.provider, environment.machine_template, stored(environment))
    with pytest.raises(ProviderForOperators):
        services.update_environment(environment=environment, actor=owner, **changes)
    environment.refresh_from_db()
    assert (environment.provider, environment.machine_template, stored(environment)) == before


def test_an_owner_changes_the_rest_and_nothing_is_lost(environment: Environment, root: User, owner: User):
    choose_aws(environment, root, provider_credentials=KEYS)
    before = stored(environment)
    services.update_environment(
        environment=environment, actor=owner, scale_max=7, per_hour_price_usd=Decimal(1)
    )
    environment.refresh_from_db()
    assert json.loads(environment.provider_secrets) == KEYS
    assert json.loads(decrypt(stored(environment))) == json.loads(decrypt(before))


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({"machine_template": {**TEMPLATE, "region": "us-east-1"}}, False),
        ({"machine_template": {**TEMPLATE, "role_arn": "arn:aws:iam::123456789012:role/x"}}, False),
        ({"machine_template": {**TEMPLATE, "credentials": "installation"}}, False),
        ({"provider": None, "machine_template": {}}, False),
        ({"provider": "local", "machine_template": {}}, False),
        ({"machine_template": {**TEMPLATE, "instance_types": ["g6.xlarge"]}}, True),
    ],
)
def test_machines_are_not_left_behind_in_a_cloud(
    environment: Environment, root: User, changes: dict[str, Any], may: bool
):
    choose_aws(environment, root, provider_credentials=KEYS)
    Machine.objects.create(environment=environment, provider="aws", status="ready")
    if may:
        services.update_environment(environment=environment, actor=root, **changes)
        return
    with pytest.raises(MachinesRun):
        services.update_environment(environment=environment, actor=root, **changes)
    environment.refresh_from_db()
    assert (environment.provider, environment.machine_template) == ("aws", TEMPLATE)
    assert json.loads(environment.provider_secrets) == KEYS


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"password": "x"}, "There is no key 'password'"),
        ({"access_key_id": "x" * 20_000}, "access key id"),
    ],
)
def test_wrong_credentials_are_refused_in_words(
    environment: Environment, root: User, given: dict[str, str], words: str
):
    choose_aws(environment, root)
    with pytest.raises(FieldsRefused, match=words):
        services.update_environment(environment=environment, actor=root, provider_credentials=given)


def test_credentials_need_a_provider_that_takes_some(environment: Environment, root: User):
    with pytest.raises(FieldsRefused, match="Choose one"):
        services.update_environment(
            environment=environment, actor=root, provider="local", provider_credentials=KEYS
        )
    assert stored(environment) == ""


def test_secrets_that_cannot_be_read_hinder_nothing_and_are_replaced(environment: Environment, root: User):
    choose_aws(environment, root, provider_credentials=KEYS)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE environments_environment SET provider_secrets = 'gAAAAABnothing'")
    services.update_environment(environment=environment, actor=root, name="Renamed")
    assert stored(environment) == "gAAAAABnothing"
    finding = check_provider(Environment.objects.get(pk=environment.pk)).findings[0]
    assert "cannot be decrypted" in finding.text
    services.update_environment(environment=environment, actor=root, provider_credentials=KEYS)
    assert json.loads(decrypt(stored(environment))) == KEYS


def test_a_new_environment_may_have_all_of_it_at_once(root: User):
    made = services.create_environment(
        actor=root, owner=None, slug=f"e{uuid4().hex}", name="GPU", provider="aws", machine_template=TEMPLATE,
        provider_credentials=KEYS,
    )  # fmt: skip
    assert json.loads(decrypt(stored(made))) == KEYS


def test_without_a_cloud_there_is_nothing_to_check(environment: Environment, owner: User, client: Client):
    with pytest.raises(NothingToCheck):
        check_provider(environment)
    client.force_login(owner)
    answer = client.post(f"/api/v0/environments/{environment.slug}/check/")
    assert answer.status_code == 409
    assert "Choose a provider" in answer.content.decode()


def test_a_check_says_what_is_missing_and_gives_the_policy(
    environment: Environment, root: User, owner: User, client: Client
):
    choose_aws(environment, root)
    client.force_login(owner)
    answer = client.post(f"/api/v0/environments/{environment.slug}/check/").json()
    assert answer["is_good"] is False
    assert "No access keys are stored" in answer["findings"][0]["text"]
    assert "ec2:RunInstances" in answer["policy"]
    page = client.post(f"/environments/{environment.slug}/provider/check/").content.decode()
    assert "No access keys are stored" in page
    assert "aws:ResourceTag/mlops:environment" in page


def test_the_page_saves_for_superusers_and_refuses_owners(
    environment: Environment, root: User, owner: User, client: Client
):
    url = f"/environments/{environment.slug}/provider/"
    given = {"provider": "aws", "machine_template": json.dumps(TEMPLATE)}
    client.force_login(owner)
    assert "Superusers of this installation change it" in client.get(url).content.decode()
    refused = client.post(url, given)
    assert "Only superusers of this installation" in refused.content.decode()
    environment.refresh_from_db()
    assert environment.provider is None
    client.force_login(root)
    assert (
        "This is no JSON" in client.post(url, {"provider": "aws", "machine_template": "{"}).content.decode()
    )
    wrong = client.post(url, {"provider": "aws", "machine_template": '{"region": "x"}'}).content.decode()
    assert "&#x27;region&#x27; does not look like one" in wrong
    assert "What the cloud says" in client.post(url, given).content.decode()
    environment.refresh_from_db()
    assert environment.machine_template == TEMPLATE
    client.post(url, {**given, **KEYS})
    assert json.loads(decrypt(stored(environment))) == KEYS
