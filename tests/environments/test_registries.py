"""Registry credentials: which ones an image is pulled with, who manages them, and that secrets never come out."""

import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from environments.models import RegistryCredentials
from environments.registries import full_name, matches, matching
from environments.selectors import registry_for
from tests.conftest import browser_of
from tests.support.factories import make_project, make_registry
from tests.support.shapes import assert_shape
from tests.support.tenants import Tenant

LIST = "/api/v0/registry-credentials/"
SHAPE = {
    "id": str, "type": str, "image_pattern": str, "owner": int, "configuration": dict, "ctime": str, "mtime": str, "url": str,
}  # fmt: skip
SECRETS = ("s3cret-password", "AKIA-s3cret", "s3cret-key", "s3cret-json")
BODIES: list[dict[str, Any]] = [
    {"type": "docker", "configuration": {"username": "robot", "password": "s3cret-password"}},
    {
        "type": "aws-ecr",
        "configuration": {
            "region": "eu-west-1",
            "access_key_id": "AKIA-s3cret",
            "secret_access_key": "s3cret-key",
        },
    },
    {"type": "aws-ecr-role", "configuration": {"region": "eu-west-1", "role_name": "puller"}},
    {"type": "gcp-cr", "configuration": {"service_account_json": '{"private_key": "s3cret-json"}\n'}},
]


@dataclass
class Given:
    image_pattern: str


class TestMatching:
    @pytest.mark.parametrize(
        ("image", "name"),
        [
            ("python", "docker.io/library/python"),
            ("python:3.11", "docker.io/library/python:3.11"),
            ("acme/train", "docker.io/acme/train"),
            ("docker.io/acme/train", "docker.io/acme/train"),
            ("index.docker.io/acme/train", "docker.io/acme/train"),
            ("GCR.io/project/image", "gcr.io/project/image"),
            ("localhost/image", "localhost/image"),
            ("host:5000/image", "host:5000/image"),
            ("docker.io/*", "docker.io/*"),
        ],
    )
    def test_short_names_are_completed_as_docker_does(self, image: str, name: str) -> None:
        assert full_name(image) == name

    @pytest.mark.parametrize(
        ("pattern", "image", "fits"),
        [
            ("docker.io/acme/*", "acme/train:1", True),
            ("acme/*", "docker.io/acme/train", True),
            ("acme/*", "docker.io/acme/deep/train@sha256:0", True),
            ("docker.io/*", "python", True),
            ("python", "python:3.11", True),
            ("python:3.11", "python:3.12", False),
            ("docker.io/acme/*", "docker.io/acme2/train", False),
            ("docker.io/acme/*", "evil.example/docker.io/acme/train", False),
            ("1.dkr.ecr.eu-west-1.amazonaws.com/*", "1.dkr.ecr.eu-west-1.amazonaws.com/a/b:2", True),
            ("gcr.io/p/*-gpu", "gcr.io/p/train-gpu:7", True),
            ("gcr.io/p/*-gpu", "gcr.io/p/train-cpu:7", False),
            ("gcr.io/p/*:stable", "gcr.io/p/train:stable", True),
            ("host:5000/a/*", "host:5000/a/b", True),
            ("gcr.io/p/a*a", "gcr.io/p/a", False),
        ],
    )
    def test_wildcards(self, pattern: str, image: str, fits: bool) -> None:
        assert matches(pattern, image) is fits

    def test_the_most_specific_wins(self) -> None:
        credentials = [Given("docker.io/*"), Given("acme/train"), Given("acme/*"), Given("gcr.io/*")]
        assert matching(credentials, "acme/train:2") == Given("acme/train")
        assert matching(credentials, "acme/other") == Given("acme/*")
        assert matching(credentials, "python") == Given("docker.io/*")
        assert matching(credentials, "quay.io/a/b") is None

    @settings(deadline=None)
    @given(st.text("ab/*", max_size=12), st.text("ab/", max_size=14))
    def test_it_is_what_a_wildcard_means(self, pattern: str, image: str) -> None:
        assert matches(f"x.io/{pattern}", f"x.io/{image}") is fnmatchcase(f"x.io/{image}", f"x.io/{pattern}")

    def test_no_pattern_takes_long(self) -> None:
        pattern, image = "x.io/" + "a*" * 120 + "b", "x.io/" + "a" * 5000
        started = time.process_time()
        assert not matches(pattern, image)
        assert time.process_time() - started < 0.5

    def test_a_project_uses_those_of_its_organization_only(self, acme: Tenant, rival: Tenant) -> None:
        mine = make_registry(acme.organization, "gcr.io/shared/*")
        theirs = make_registry(rival.organization, "gcr.io/shared/*")
        assert registry_for(make_project(acme.organization), "gcr.io/shared/a") == mine
        assert registry_for(make_project(rival.organization), "gcr.io/shared/a") == theirs
        assert registry_for(make_project(acme.member), "gcr.io/shared/a") is None


def send(api: Any, method: str, path: str = "", body: Any = None) -> Any:
    return getattr(api, method)(f"{LIST}{path}", body, format="json")


class TestTheApi:
    @pytest.mark.parametrize("body", BODIES, ids=[body["type"] for body in BODIES])
    def test_created_read_changed_deleted(self, acme: Tenant, body: dict[str, Any]) -> None:
        configuration = {**body["configuration"], "version": "1"}
        wanted = {**body, "configuration": configuration, "image_pattern": "docker.io/org/*"}
        answer = send(acme.api, "post", body={**wanted, "owner": acme.organization.pk})
        assert answer.status_code == 201, answer.content
        shown = answer.json()
        assert_shape(shown, SHAPE)
        assert (shown["type"], shown["owner"]) == (body["type"], acme.organization.pk)
        public = {name: value for name, value in configuration.items() if value not in _secret_values(body)}
        assert shown["configuration"] == public
        path = f"{shown['id']}/"
        assert send(acme.api, "get", path).json() == shown
        assert send(acme.api, "get").json()["results"] == [shown]
        stored = RegistryCredentials.objects.get()
        changed = send(
            acme.api, "put", path, {**wanted, "configuration": public, "image_pattern": "docker.io/org/a*"}
        )
        assert changed.status_code == 200, changed.content
        assert changed.json()["image_pattern"] == "docker.io/org/a*"
        kept = RegistryCredentials.objects.get()
        assert kept.secrets == stored.secrets
        assert send(acme.api, "delete", path).status_code == 204
        assert not RegistryCredentials.objects.exists()
        events = list(AuditEvent.objects.order_by("created_at"))
        assert [event.kind.partition(".")[2] for event in events] == ["created", "changed", "deleted"]
        told = str([(event.before, event.after) for event in events]) + answer.content.decode()
        assert not any(secret in told for secret in SECRETS)

    def test_a_new_secret_replaces_the_old_one(self, acme: Tenant) -> None:
        registry = make_registry(acme.organization)
        body = {"configuration": {"username": "robot", "password": "s3cret-password"}}
        assert send(acme.api, "put", f"{registry.pk}/", body).status_code == 200
        registry.refresh_from_db()
        assert registry.secrets == '{"password": "s3cret-password"}'
        assert AuditEvent.objects.get().after == {"secrets": "(secret)"}

    def test_a_stored_secret_does_not_go_to_another_host(self, acme: Tenant) -> None:
        registry = make_registry(acme.organization)
        answer = send(acme.api, "patch", f"{registry.pk}/", {"image_pattern": "evil.example/*"})
        assert answer.status_code == 400
        assert "Enter the password or token again" in answer.json()["configuration"][0]["message"]
        registry.refresh_from_db()
        assert registry.image_pattern == "docker.io/acme/*"
        body = {"image_pattern": "new.example/*", "configuration": {"username": "u", "password": "p"}}
        assert send(acme.api, "patch", f"{registry.pk}/", body).status_code == 200

    def test_another_kind_needs_everything_anew(self, acme: Tenant) -> None:
        registry = make_registry(acme.organization)
        answer = send(acme.api, "put", f"{registry.pk}/", {"type": "gcp-cr"})
        assert set(answer.json()) == {"configuration"}
        body = {"type": "gcp-cr", "configuration": {"service_account_json": "{}"}}
        assert send(acme.api, "put", f"{registry.pk}/", body).json()["type"] == "gcp-cr"
        registry.refresh_from_db()
        assert "s3cret-robot" not in registry.secrets

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"type": "quay"}, "type"),
            ({"image_pattern": ""}, "image_pattern"),
            ({"image_pattern": "*"}, "image_pattern"),
            ({"image_pattern": "*.amazonaws.com/*"}, "image_pattern"),
            ({"image_pattern": "https://docker.io/acme/*"}, "image_pattern"),
            ({"image_pattern": "docker.io/a b"}, "image_pattern"),
            ({"image_pattern": "docker.io/" + "x" * 255}, "image_pattern"),
            ({"configuration": {}}, "configuration"),
            ({"configuration": {"username": "u"}}, "configuration"),
            ({"configuration": {"username": "u", "password": ""}}, "configuration"),
            ({"configuration": {"username": "u", "password": 7}}, "configuration"),
            ({"configuration": {"username": "u", "password": "p", "token": "t"}}, "configuration"),
            ({"configuration": {"username": "u", "password": "p\0"}}, "configuration"),
            ({"configuration": {"username": "u", "password": "p", "version": "2"}}, "configuration"),
            ({"configuration": "text"}, "configuration"),
            ({"owner": "rival"}, "owner"),
            ({"owner": 10**30}, "owner"),
        ],
    )
    def test_bad_values_name_their_field(
        self, acme: Tenant, rival: Tenant, change: dict[str, Any], field: str
    ) -> None:
        body = {
            "type": "docker", "image_pattern": "docker.io/x/*", "owner": acme.organization.pk,
            "configuration": {"username": "u", "password": "s3cret-password"}, **change,
        }  # fmt: skip
        answer = send(acme.api, "post", body=body)
        assert answer.status_code == 400, answer.content
        assert set(answer.json()) == {field}
        assert "s3cret-password" not in answer.content.decode()
        assert not RegistryCredentials.objects.exists()

    def test_one_pattern_once(self, acme: Tenant, rival: Tenant) -> None:
        body = {**BODIES[0], "image_pattern": "docker.io/org/*"}
        assert send(acme.api, "post", body=body).status_code == 201
        answer = send(acme.api, "post", body=body)
        assert answer.json()["image_pattern"][0]["code"] == "unique"
        assert send(rival.api, "post", body=body).status_code == 201

    def test_members_are_refused_and_strangers_find_nothing(
        self, acme: Tenant, rival: Tenant, anonymous_api: Any
    ) -> None:
        registry = make_registry(acme.organization)
        for method in ("get", "put", "patch", "delete"):
            assert send(acme.member_api, method, f"{registry.pk}/", {}).status_code == 403
            assert send(rival.api, method, f"{registry.pk}/", {}).status_code == 404
            assert send(anonymous_api, method, f"{registry.pk}/", {}).status_code == 401
        assert send(acme.member_api, "get").json()["count"] == 0
        assert send(rival.api, "get").json()["results"] == []
        body = {**BODIES[0], "image_pattern": "x.example/*", "owner": "acme"}
        for api in (acme.member_api, rival.api):
            assert set(send(api, "post", body=body).json()) == {"owner"}
        assert RegistryCredentials.objects.get().image_pattern == "docker.io/acme/*"


class TestThePages:
    def test_a_secret_is_written_and_never_shown(self, acme: Tenant) -> None:
        browser = acme.browser
        body = {"image_pattern": "docker.io/org/*", "username": "robot", "password": "s3cret-password"}
        answer = browser.post("/organizations/acme/registries/create/docker/", body, follow=True)
        assert "docker.io/org/*" in answer.content.decode()
        registry = RegistryCredentials.objects.get()
        page = f"/organizations/acme/registries/{registry.pk}/"
        text = browser.get(page).content.decode()
        assert "Leave the field empty to keep it" in text
        assert "s3cret-password" not in text + answer.content.decode()
        browser.post(page, {"image_pattern": "docker.io/org/a*", "username": "rival", "password": ""})
        registry.refresh_from_db()
        assert (registry.image_pattern, registry.configuration) == (
            "docker.io/org/a*",
            {"username": "rival"},
        )
        assert "s3cret-password" in registry.secrets
        browser.post(f"{page}delete/")
        assert not RegistryCredentials.objects.exists()

    def test_what_is_wrong_stands_beside_the_field(self, acme: Tenant) -> None:
        body = {"image_pattern": "*/x", "username": "robot", "password": "s3cret-password"}
        text = acme.browser.post("/organizations/acme/registries/create/docker/", body).content.decode()
        assert "Begin with the whole host" in text
        assert "s3cret-password" not in text
        assert not RegistryCredentials.objects.exists()

    def test_another_organization_s_are_not_there(self, acme: Tenant, rival: Tenant) -> None:
        registry = make_registry(acme.organization)
        for page in (f"{registry.pk}/", f"{registry.pk}/delete/"):
            answer = rival.browser.post(f"/organizations/rival/registries/{page}", {"image_pattern": "a.b/*"})
            assert answer.status_code == 404
        assert browser_of(acme.member).get("/organizations/acme/registries/").status_code == 403
        registry.refresh_from_db()
        assert registry.image_pattern == "docker.io/acme/*"


def _secret_values(body: dict[str, Any]) -> set[str]:
    public = {"username", "region", "role_name"}
    return {value for name, value in body["configuration"].items() if name not in public}
