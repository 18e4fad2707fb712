"""A secret goes in and never comes out: a secret of its own in every place that stores one, then everything is read.

Who runs the platform, who owns the organization and who only looks: none of them is shown one, on no address, and none is in
audit rows, the server's log, reports of errors, or Redis.
"""

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.http import HttpResponseBase
from django.test import Client, override_settings
from django.urls import reverse
from django.utils.log import AdminEmailHandler

from audit.models import AuditEvent
from common.background import deliver_mail
from common.redis import client as redis_client
from executions import queue
from executions.types import Status
from projects import services
from projects.models import GroupVariable, OrganizationVariable, ProjectVariable
from tests.access.declared import TABLE
from tests.access.world import World, build_world
from tests.executions.test_agent_api import claim
from tests.support import factories
from tests.support.secrets import SECRETS, plant
from valohai_app.logs import JsonFormatter

pytestmark = pytest.mark.django_db

ENCRYPTED = "gAAAAA"  # how a value begins that Fernet has encrypted
NEW_SECRET = "planted-and-written-by-a-request"


@pytest.fixture
def world() -> World:
    world = build_world()
    plant(world.secret.owner, world.secret.project, world.secret.organization)
    return world


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that the server logs, at every level, in the form in which it is written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def viewers(world: World) -> dict[str, Client]:
    users = {"superuser": factories.make_user("auditor", is_staff=True, is_superuser=True),
             "organization owner": world.secret.owner, "viewer": world["viewer"].user}  # fmt: skip
    clients = {}
    for name, user in users.items():
        clients[name] = Client(raise_request_exception=False)
        clients[name].force_login(user)
    return clients


def text_of(answer: HttpResponseBase) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return content.decode("utf-8", "replace") + str(answer.headers)


def assert_clean(text: str, where: str) -> None:
    for place, secret in (*SECRETS.items(), ("a request", NEW_SECRET), ("the database", ENCRYPTED)):
        assert secret not in text, f"{where} shows the secret of {place}"


def admin_addresses(world: World) -> Iterator[str]:
    yield reverse("admin:index")
    for model in admin.site._registry:
        names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{names}_changelist")
        yield reverse(f"{names}_add")
        for row in model._default_manager.all()[:20]:
            for view in ("change", "history", "delete"):
                yield reverse(f"{names}_{view}", args=[row.pk])


@pytest.mark.parametrize("who", ["superuser", "organization owner", "viewer"])
class TestAnswers:
    def test_no_endpoint_and_no_page_shows_one(self, world: World, log: io.StringIO, who: str) -> None:
        client = viewers(world)[who]
        shown = 0
        for text, route in TABLE.items():
            if "get" not in route.methods:
                continue
            for headers in ({}, {"HX-Request": "true"}) if route.page else ({},):
                answer = client.get(world.path(text), route.body, headers=headers)
                assert answer.status_code < 500, text
                assert_clean(text_of(answer), f"GET {text}")
                shown += answer.status_code == 200
        assert shown > 20, "the crawl has seen hardly anything"
        assert_clean(log.getvalue(), "the log")

    def test_no_page_of_the_administration_shows_one(self, world: World, log: io.StringIO, who: str) -> None:
        client = viewers(world)[who]
        for address in admin_addresses(world):
            answer = client.get(address)
            assert answer.status_code < 500, address
            assert_clean(text_of(answer), address)
        assert_clean(log.getvalue(), "the log")


class TestTraces:
    def test_of_a_change_hold_that_it_changed_and_not_what(self, world: World, log: io.StringIO) -> None:
        """By services, by a page, by the administration; then audit rows, admin history, log and answers."""
        project, alice = world.secret.project, world.secret.owner
        clients = viewers(world)
        services.set_variable(project=project, actor=alice, name="BY_SERVICE", value=NEW_SECRET, secret=True)
        services.set_variable(project=project, actor=alice, name="BY_SERVICE", value=NEW_SECRET + "2", secret=True)  # fmt: skip
        services.set_repository(
            project=project, actor=alice, url="https://git.example.com/x.git", access_token=NEW_SECRET
        )
        address = f"/p/{project.full_name}/settings/variables/"
        form = {"name": "BY_PAGE", "value": NEW_SECRET, "secret": "on"}
        answers = [clients["organization owner"].post(address, form, follow=True)]
        variable = ProjectVariable.objects.get(project=project, name="BY_PAGE")
        assert variable.value == NEW_SECRET
        change = reverse("admin:projects_projectvariable_change", args=[variable.pk])
        form = {"project": project.pk, "name": "BY_ADMIN", "value": NEW_SECRET + "3", "secret": "on"}
        answers.append(clients["superuser"].post(change, form, follow=True))
        services.delete_variable(project=project, actor=alice, name="BY_SERVICE")
        for answer in answers:
            assert answer.status_code == 200
            assert_clean(text_of(answer), "an answer")
        for row in (*AuditEvent.objects.values(), *LogEntry.objects.values()):
            assert_clean(str(row), "an audit row")
        assert_clean(log.getvalue(), "the log")

    def test_of_a_fetch_that_fails(self, world: World, log: io.StringIO) -> None:
        services.set_repository(
            project=world.secret.project,
            actor=world.secret.owner,
            url="http://127.0.0.1:9/x.git",
            access_token=NEW_SECRET,
        )
        result = services.fetch_repository(project=world.secret.project, actor=world.secret.owner)
        assert result.errors
        world.secret.project.repository.refresh_from_db()
        assert_clean(str(result.errors) + str(world.secret.project.repository.last_fetch_errors), "the error")
        assert_clean(log.getvalue(), "the log")

    def test_of_a_letter_that_cannot_be_delivered(self, log: io.StringIO) -> None:
        """Its text may hold a link that lets in whoever has it."""
        with override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_PORT=9):
            deliver_mail.apply(args=["alice@example.com", "Hello", f"http://host/{NEW_SECRET}"], throw=False)
        assert "deliver_mail" in log.getvalue()
        assert_clean(log.getvalue(), "the log")

    def test_in_redis(self, world: World) -> None:
        """After pages were looked at and a worker has got a job with secrets, which it must."""
        for client in viewers(world).values():
            for text, route in TABLE.items():
                if "get" in route.methods:
                    client.get(world.path(text), route.body)
        execution = factories.make_execution(world.secret.project, status=Status.QUEUED)
        queue.enqueue(queue.job_of(execution))
        details = claim(execution).json()
        assert SECRETS["projects.ProjectVariable.value"] in details["environment_variables"].values()
        dump = "\n".join(everything_in_redis())
        assert "vh:" in dump
        assert_clean(dump, "Redis")


class TestTurningASecretPublic:
    @pytest.mark.parametrize("kind", [ProjectVariable, OrganizationVariable, GroupVariable])
    def test_takes_a_new_value(self, world: World, kind: Any) -> None:
        """Or whoever may write the variable could read what somebody else has entered."""
        planted = kind.objects.get(name=f"PLANTED_{kind.__name__.upper()}")
        page = reverse(f"admin:projects_{kind.__name__.lower()}_change", args=[planted.pk])
        client = viewers(world)["organization owner"]
        answer = client.post(page, {"value": ""}, follow=True)
        assert "A secret stays secret" in answer.content.decode()
        planted.refresh_from_db()
        assert planted.secret
        assert planted.value == SECRETS[f"projects.{kind.__name__}.value"]
        client.post(page, {"value": "no secret"})
        planted.refresh_from_db()
        assert (planted.value, planted.secret) == ("no secret", False)

    @pytest.mark.parametrize("kind", [ProjectVariable, OrganizationVariable, GroupVariable])
    def test_a_blank_value_keeps_the_secret(self, world: World, kind: Any) -> None:
        planted = kind.objects.get(name=f"PLANTED_{kind.__name__.upper()}")
        page = reverse(f"admin:projects_{kind.__name__.lower()}_change", args=[planted.pk])
        viewers(world)["organization owner"].post(page, {"value": "", "secret": "on"})
        planted.refresh_from_db()
        assert (planted.value, planted.secret) == (SECRETS[f"projects.{kind.__name__}.value"], True)


class TestErrors:
    @pytest.mark.parametrize("address", ["page", "api", "agent"])
    def test_error_of_ours_is_answered_logged_and_reported_without_values(
        self, world: World, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        secrets_at_hand = dict(SECRETS)

        def fail(*args: Any, **kwargs: Any) -> None:
            token, harmless_looking = secrets_at_hand, list(secrets_at_hand.values())
            raise ZeroDivisionError(f"{len(token)} and {len(harmless_looking)}")

        execution = factories.make_execution(world.secret.project, status=Status.QUEUED)
        targets = {
            "page": ("projects.selectors.variables_of", lambda c: c.post(
                f"/p/{world.secret.project.full_name}/settings/variables/", {"value": NEW_SECRET})),
            "api": ("projects.api.views.services.update_project", lambda c: c.patch(
                f"/api/v0/projects/{world.secret.project.pk}/", {"description": NEW_SECRET},
                content_type="application/json")),
            "agent": ("executions.agent_api.attempts.job_details", lambda c: claim_softly(c, execution)),
        }  # fmt: skip
        target, request = targets[address]
        monkeypatch.setattr(target, fail)
        handler = AdminEmailHandler(include_html=True)
        logger = logging.getLogger("django.request")
        logger.addHandler(handler)
        client = viewers(world)["organization owner"]
        with override_settings(ADMINS=[("root", "root@example.com")], DEBUG=False):
            answer = request(client)
        logger.removeHandler(handler)
        assert answer.status_code == 500
        assert_clean(text_of(answer), "the page of an error")
        assert "ZeroDivisionError" in log.getvalue()
        assert_clean(log.getvalue(), "the log")
        report = "".join(letter.body + str(letter.alternatives) for letter in mail.outbox)
        assert "ZeroDivisionError" in report
        assert "harmless_looking" in report, "names help, values are left out"
        assert_clean(report, "the report")

    def test_what_a_report_says_of_settings(self, rf: Any) -> None:
        from django.views.debug import get_exception_reporter_filter

        request = rf.get(
            "/", headers={"Authorization": "Token abc-planted", "Cookie": "sessionid=planted-session"}
        )
        filter_ = get_exception_reporter_filter(request)
        with override_settings(
            REDIS_URL="redis://:planted-password@host", EMAIL_HOST_PASSWORD="planted-mail", SECRETS_KEYS=["planted-key"],
            STORAGES={"default": {"OPTIONS": {"secret_key": "planted-s3", "account_key": "planted-azure"}}},
            CACHES={"default": {"LOCATION": "redis://:planted-password@host"}},
        ):  # fmt: skip
            shown = str(filter_.get_safe_settings())
        shown += str(filter_.get_safe_request_meta(request)) + str(filter_.get_safe_cookies(request))
        assert "planted" not in shown


def claim_softly(client: Client, execution: Any) -> Any:
    return client.post(
        f"/api/agent/v1/jobs/{execution.pk}/{execution.epoch}/claim",
        {"worker": {"identity": "host-1"}},
        content_type="application/json",
        headers={"Authorization": f"Job {queue.job_token(execution.pk, execution.epoch)}"},
    )


def everything_in_redis() -> Iterator[str]:
    redis = redis_client()
    readers: dict[bytes, Any] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"stream": redis.xrange,
    }
    for key in redis.scan_iter():
        yield f"{key!r}: {readers[redis.type(key)](key)!r}"
