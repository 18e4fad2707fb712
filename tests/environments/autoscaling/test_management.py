"""Machines by API and page: who sees and does what, what a form says, and what an operator alone may choose."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from audit.models import AuditEvent
from common import clock
from common.redis import client
from environments.autoscaling import selectors
from environments.autoscaling.costs import cost_of
from environments.autoscaling.providers import PROVIDERS
from environments.autoscaling.types import agent_identity
from environments.models import Environment, Machine, ScalingDecision
from executions.types import Status
from peon.protocol import keys
from tests.support.factories import make_environment, make_execution, make_project
from tests.support.tenants import Tenant

pytestmark = pytest.mark.django_db
V0 = "/api/v0/environments/"


@pytest.fixture
def environment(acme: Tenant) -> Environment:
    Environment.objects.filter(pk=acme.environment.pk).update(
        provider="local", per_hour_price_usd=Decimal("1.5")
    )
    acme.environment.refresh_from_db()
    return acme.environment


def make_machine(environment: Environment, status: str = "ready", **fields: Any) -> Machine:
    values = {"provider": "local", "started_at": clock.now(), "price_per_hour_usd": Decimal("1.5"), **fields}
    return Machine.objects.create(environment=environment, status=status, **values)


def hello(machine: Machine, **said: Any) -> str:
    identity = agent_identity(machine.pk)
    described = {
        "queues": [machine.environment.queue_name], "seen_at": clock.now().timestamp(), "agent_version": "1.0",
        "facts": {"machine_id": str(machine.pk), "obeys_wishes": True}, "state": "idle",
        "usage": {"cpu": 0.25, "memory_used_kb": 4_000_000, "memory_total_kb": 16_000_000}, **said,
    }  # fmt: skip
    client().hset(keys.queue_workers(machine.environment.queue_name), identity, json.dumps(described))
    return identity


class TestApi:
    def test_owners_see_machines_and_what_their_agents_do(self, acme: Tenant, environment: Environment):
        idle, busy = make_machine(environment), make_machine(environment)
        make_machine(environment, "gone", ended_at=clock.now())
        hello(idle)
        execution = make_execution(status=Status.STARTED, environment=environment)
        identity = hello(busy, state="busy", job=f"{execution.pk}:0")
        client().hset(keys.queue_holders(environment.queue_name), f"{execution.pk}:0", identity)
        rows = acme.api.get(f"{V0}{environment.slug}/machines/").json()["results"]
        assert [(row["state"], row["agents"][0]["job"]) for row in rows] == [
            ("idle", None),
            ("busy", str(execution.pk)),
        ]
        assert rows[0]["agents"][0]["usage"]["cpu"] == 0.25
        assert rows[0]["per_hour_price_usd"] == "1.50000"
        ended = acme.api.get(f"{V0}{environment.slug}/machines/", {"ended": "true"}).json()["results"]
        assert [row["status"] for row in ended] == ["gone"]

    def test_members_who_may_use_it_are_refused(self, acme: Tenant, environment: Environment):
        machine = make_machine(environment)
        member = APIClient()
        member.force_authenticate(acme.member)
        assert member.get(f"{V0}{environment.slug}/machines/").status_code == 403
        answer = member.post(f"{V0}{environment.slug}/machines/{machine.pk}/terminate/")
        assert answer.status_code == 403
        machine.refresh_from_db()
        assert machine.status == "ready"

    @pytest.mark.parametrize(
        ("action", "status", "wish"),
        [("drain", "draining", b"drain"), ("terminate", "draining", b"stop"), ("cordon", "ready", b"cordon")],
    )
    def test_actions(
        self, action: str, status: str, wish: bytes, acme: Tenant, environment: Environment,
        django_capture_on_commit_callbacks: Any,
    ):  # fmt: skip
        machine = make_machine(environment)
        with django_capture_on_commit_callbacks(execute=True):
            answer = acme.api.post(f"{V0}{environment.slug}/machines/{machine.pk}/{action}/")
        assert answer.status_code == 200, answer.content
        assert answer.json()["status"] == status
        assert (
            client().hget(keys.queue_wishes(environment.queue_name), keys.machine_field(machine.pk)) == wish
        )
        assert acme.owner.username in ScalingDecision.objects.get().text
        assert AuditEvent.objects.filter(target_kind="machine").count() == 1

    def test_uncordoned_nothing_is_wished(
        self, acme: Tenant, environment: Environment, django_capture_on_commit_callbacks: Any
    ):
        machine = make_machine(environment, cordoned=True)
        client().hset(keys.queue_wishes(environment.queue_name), keys.machine_field(machine.pk), "cordon")
        with django_capture_on_commit_callbacks(execute=True):
            acme.api.post(f"{V0}{environment.slug}/machines/{machine.pk}/uncordon/")
        assert not client().hlen(keys.queue_wishes(environment.queue_name))

    def test_one_that_leaves_can_only_be_terminated(self, acme: Tenant, environment: Environment):
        machine = make_machine(environment, "draining")
        for action in ("drain", "cordon", "restart"):
            answer = acme.api.post(f"{V0}{environment.slug}/machines/{machine.pk}/{action}/")
            assert (answer.status_code, "about to end" in str(answer.json())) == (409, True)
        assert acme.api.post(f"{V0}{environment.slug}/machines/{machine.pk}/terminate/").status_code == 200
        machine.refresh_from_db()
        assert machine.stop_jobs
        assert acme.api.post(f"{V0}{environment.slug}/machines/{machine.pk}/terminate/").status_code == 409

    @pytest.mark.parametrize("action", ["cordon", "restart"])
    def test_an_agent_of_an_earlier_version_cannot_do_that(
        self, action: str, acme: Tenant, environment: Environment
    ):
        machine = make_machine(environment, obeys_wishes=False, agent_version="0.9")
        answer = acme.api.post(f"{V0}{environment.slug}/machines/{machine.pk}/{action}/")
        assert answer.status_code == 409
        assert "0.9" in str(answer.json())
        assert "Drain" in str(answer.json())

    def test_a_machine_of_another_environment_is_not_there(
        self, acme: Tenant, rival: Tenant, environment: Environment
    ):
        machine = make_machine(rival.environment)
        assert acme.api.get(f"{V0}{environment.slug}/machines/{machine.pk}/").status_code == 404
        assert acme.api.post(f"{V0}{environment.slug}/machines/{machine.pk}/drain/").status_code == 404
        assert acme.api.get(f"{V0}{rival.environment.slug}/machines/").status_code == 404

    def test_the_log_has_the_latest_first(self, acme: Tenant, environment: Environment):
        for text in ("first", "second"):
            ScalingDecision.objects.create(environment=environment, kind="launched", text=text)
        rows = acme.api.get(f"{V0}{environment.slug}/decisions/").json()["results"]
        assert [row["text"] for row in rows] == ["second", "first"]


class TestProvider:
    def test_owners_change_the_numbers_and_not_the_provider(self, acme: Tenant, environment: Environment):
        path = f"{V0}{environment.slug}/"
        numbers = {"scale_min": 1, "scale_max": 3, "scale_down_grace_period": 5}
        assert acme.api.patch(path, numbers, format="json").status_code == 200
        for change in ({"provider": None}, {"machine_template": {"runtime": "process"}}):
            answer = acme.api.patch(path, change, format="json")
            assert answer.status_code == 403
            assert "superusers" in str(answer.json())
        assert acme.api.patch(path, {"provider": "local", **numbers}, format="json").status_code == 200
        assert acme.api.get(path).json()["is_scalable"] is True

    @pytest.mark.parametrize(
        ("given", "field", "text"),
        [
            ({"provider": "moon"}, "provider", "no provider 'moon'"),
            ({"provider": "local", "machine_template": {"runtime": "vm"}}, "machine_template", "one of"),
            ({"provider": "local", "machine_template": {"x" * 200: 1}}, "machine_template", "no setting"),
            ({"machine_template": {"runtime": "process"}}, "machine_template", "for a provider"),
            (
                {"provider": "local", "machine_template": {"runtime": "p" * 20_000}},
                "machine_template",
                "16 KiB",
            ),
        ],
    )
    def test_what_is_wrong_is_said(
        self, given: dict[str, Any], field: str, text: str, superuser_api: APIClient
    ):
        make_environment("gpu")
        answer = superuser_api.patch(f"{V0}gpu/", given, format="json")
        assert answer.status_code == 400
        assert text in str(answer.json()[field])
        assert not Environment.objects.get().provider

    def test_another_provider_comes_when_the_machines_of_the_first_are_gone(
        self, superuser_api: APIClient, monkeypatch: Any
    ):
        monkeypatch.setitem(PROVIDERS, "second", PROVIDERS["local"])
        machine = make_machine(make_environment("gpu", provider="local"))
        answer = superuser_api.patch(f"{V0}gpu/", {"provider": "second"}, format="json")
        assert (answer.status_code, "still run" in str(answer.json())) == (409, True)
        assert superuser_api.patch(f"{V0}gpu/", {"provider": None}, format="json").status_code == 200
        Machine.objects.filter(pk=machine.pk).update(status="gone", ended_at=clock.now())
        assert superuser_api.patch(f"{V0}gpu/", {"provider": "second"}, format="json").status_code == 200

    def test_no_provider_is_null(self, superuser_api: APIClient):
        make_environment("gpu", provider="local")
        assert superuser_api.patch(f"{V0}gpu/", {"provider": ""}, format="json").json()["provider"] is None

    def test_with_running_machines_it_cannot_be_deleted(self, acme: Tenant, environment: Environment):
        machine = make_machine(environment)
        answer = acme.api.delete(f"{V0}{environment.slug}/")
        assert answer.status_code == 409
        assert "still run" in str(answer.json())
        Machine.objects.filter(pk=machine.pk).update(status="gone", ended_at=clock.now())
        assert acme.api.delete(f"{V0}{environment.slug}/").status_code == 204


class TestPages:
    def test_a_user_sees_how_it_stands_and_nothing_of_its_machines(
        self, acme: Tenant, environment: Environment
    ):
        machine = make_machine(environment, provider_id="i-secret")
        ScalingDecision.objects.create(environment=environment, kind="launched", text="Starts 1 machine.")
        browser = Client()
        browser.force_login(acme.member)
        page = browser.get(f"/environments/{environment.slug}/").content.decode()
        assert "1 idle" in page
        assert "1 of at most 5" in page
        assert not [text for text in ("i-secret", "Starts 1 machine", machine.name, "$1.5") if text in page]
        listed = browser.get("/environments/").content.decode()
        assert environment.name in listed
        assert "$" not in listed

    def test_an_owner_sees_machines_jobs_costs_and_reasons(self, acme: Tenant, environment: Environment):
        machine = make_machine(environment, provider_id="<b>i-1</b>")
        shown = make_execution(
            make_project(acme.organization, "churn"), status=Status.STARTED, environment=environment
        )
        identity = hello(machine, state="busy", job=f"{shown.pk}:0")
        client().hset(keys.queue_holders(environment.queue_name), f"{shown.pk}:0", identity)
        ScalingDecision.objects.create(environment=environment, kind="failed", text="<script>quota</script>")
        page = acme.browser.get(f"/environments/{environment.slug}/").content.decode()
        assert f"acme/churn #{shown.counter}" in page
        assert "25 %" in page
        assert "4.0 of 16.0" in page
        assert "$1.50 per hour now" in page
        assert "&lt;script&gt;quota" in page
        assert "<b>i-1" not in page

    def test_a_job_of_a_project_that_the_owner_may_not_see_is_not_named(
        self, acme: Tenant, environment: Environment
    ):
        machine = make_machine(environment)
        hidden = make_execution(
            make_project(acme.member, "private"), status=Status.STARTED, environment=environment
        )
        identity = hello(machine, job=f"{hidden.pk}:0")
        client().hset(keys.queue_holders(environment.queue_name), f"{hidden.pk}:0", identity)
        page = acme.browser.get(f"/environments/{environment.slug}/").content.decode()
        assert "a job that you may not see" in page
        assert "private" not in page

    def test_the_numbers_are_changed_on_the_page(self, acme: Tenant, environment: Environment):
        path = f"/environments/{environment.slug}/scale/"
        saved = acme.browser.post(path, {"scale_min": 1, "scale_max": 4, "scale_down_grace_period": 2})
        assert saved.status_code == 302
        wrong = acme.browser.post(path, {"scale_min": 5, "scale_max": 4, "scale_down_grace_period": -1})
        assert "cannot be below the minimum" in wrong.content.decode()
        assert "cannot be negative" in wrong.content.decode()
        environment.refresh_from_db()
        assert (environment.scale_min, environment.scale_max, environment.scale_down_grace_period) == (
            1,
            4,
            2,
        )

    def test_an_action_answers_what_changes(self, acme: Tenant, environment: Environment):
        machine = make_machine(environment)
        path = f"/environments/{environment.slug}/machines/{machine.pk}/drain/"
        answer = acme.browser.post(path, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert "draining" in answer.content.decode()
        assert "<html" not in answer.content.decode()
        again = acme.browser.post(path, headers={"HX-Request": "true"})
        assert (again.status_code, "about to end" in again.content.decode()) == (409, True)

    def test_the_organization_sums_up(self, acme: Tenant, environment: Environment):
        make_machine(environment)
        make_machine(environment, "starting")
        page = acme.browser.get("/organizations/acme/machines/").content.decode()
        assert "2 machines now, $3.00 per hour" in page
        assert "1 starting" in page

    @pytest.mark.parametrize("count", [2, 15])
    def test_more_environments_and_machines_cost_no_queries(
        self, count: int, acme: Tenant, django_assert_max_num_queries: Any
    ):
        for number in range(count):
            one = make_environment(f"acme-e{number}", owner=acme.organization.owner, provider="local")
            make_machine(one)
        browser = acme.browser
        with django_assert_max_num_queries(20):
            assert browser.get("/organizations/acme/machines/").status_code == 200


def test_cost_is_by_the_second_and_of_this_month_only(
    acme: Tenant, environment: Environment, monkeypatch: Any
):
    from datetime import UTC, datetime, timedelta

    now = datetime(2026, 3, 1, 2, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    make_machine(environment, started_at=now - timedelta(hours=5))
    make_machine(environment, "gone", started_at=now - timedelta(days=40), ended_at=now - timedelta(days=1))
    make_machine(
        environment, "gone", started_at=now - timedelta(hours=1), ended_at=now - timedelta(minutes=30)
    )
    assert selectors.costs_this_month([environment])[environment.pk] == Decimal("1.5") * 2 + Decimal("0.75")
    assert cost_of(Decimal(1), now, now - timedelta(hours=1)) == 0
