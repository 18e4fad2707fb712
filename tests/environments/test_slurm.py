"""Environments that are Slurm clusters: what their jobs ask for is checked, and their dispatchers are shown to owners only."""

import json
from datetime import timedelta
from typing import Any

import pytest

from audit.models import AuditEvent
from common import clock
from common.redis import client
from environments.models import Environment
from peon.protocol import keys
from tests.conftest import api_of, browser_of
from tests.environments.test_pages import SETTINGS
from tests.support.factories import make_environment
from tests.support.tenants import Tenant

LIST = "/api/v0/environments/"
PAGES = "/organizations/acme/environments/"
GIVEN = {"partition": "gpu", "cpus": 4, "memory_mb": 8000, "extra": ["--exclusive"]}


@pytest.fixture
def cluster(acme: Tenant) -> Environment:
    return make_environment("acme-hpc", owner=acme.organization.owner, kind="slurm", dispatch=GIVEN)


def send(api: Any, method: str, path: str, body: Any = None) -> Any:
    return getattr(api, method)(f"{LIST}{path}", body, format="json")


def say_hello(
    queue: str = "acme-hpc:dispatch", *, ago: float = 0, problem: str = "", identity: str = "d-1"
) -> None:
    said = {
        "identity": identity, "host": "login1", "agent_version": "0.1.0", "queues": [queue], "facts": {"problem": problem},
        "seen_at": (clock.now() - timedelta(seconds=ago)).timestamp(),
    }  # fmt: skip
    client().hset(keys.queue_workers(queue), identity, json.dumps(said))


class TestSettings:
    def test_an_owner_makes_one_and_changes_it(self, acme: Tenant) -> None:
        body = {"slug": "acme-hpc", "name": "HPC", "type": "slurm", "dispatch": GIVEN}
        answer = send(acme.api, "post", "", body)
        assert answer.status_code == 201, answer.content
        assert (answer.json()["type"], answer.json()["dispatch"]) == ("slurm", GIVEN)
        changed = send(acme.api, "patch", "acme-hpc/", {"dispatch": {"qos": "long"}})
        assert changed.json()["dispatch"] == {"qos": "long"}
        event = AuditEvent.objects.order_by("created_at").last()
        assert event is not None
        assert (event.kind, event.before, event.after) == (
            "environment.changed",
            {"dispatch": GIVEN},
            {"dispatch": {"qos": "long"}},
        )

    @pytest.mark.parametrize(
        "dispatch",
        [
            {"partition": "gpu --uid=0"}, {"extra": ["--output=/etc/x"]}, {"cpus": -1}, {"memory_mb": 10**30}, {"wrap": "id"},
            ["gpu"], "gpu", None, {"partition": "a\0b"}, {"extra": [["--exclusive"]]}, {"extra": ["--exclude=$(id)"]},
        ],
    )  # fmt: skip
    def test_bad_settings_change_nothing_and_say_what_is_wrong(
        self, acme: Tenant, cluster: Environment, dispatch: Any
    ) -> None:
        answer = send(acme.api, "patch", "acme-hpc/", {"dispatch": dispatch})
        assert answer.status_code == 400, answer.content
        assert "dispatch" in answer.json()
        cluster.refresh_from_db()
        assert cluster.dispatch == GIVEN

    @pytest.mark.parametrize("dispatch", [GIVEN, [], "", 0])
    def test_machines_with_agents_have_none(self, acme: Tenant, dispatch: Any) -> None:
        answer = send(acme.api, "patch", "acme-gpu/", {"dispatch": dispatch})
        assert answer.status_code == 400
        assert "Only environments of the type 'slurm'" in str(answer.json()["dispatch"])

    def test_members_do_not_see_the_settings(self, acme: Tenant, cluster: Environment) -> None:
        shown = send(api_of(acme.member), "get", "acme-hpc/").json()
        assert "dispatch" not in shown
        assert send(api_of(acme.member), "patch", "acme-hpc/", {"dispatch": {}}).status_code == 403


class TestDispatchers:
    def test_who_hands_jobs_over(self, acme: Tenant, cluster: Environment) -> None:
        say_hello(ago=600, identity="old")
        say_hello(problem="Slurm does not take requests now", identity="new")
        say_hello("rival-hpc:dispatch", identity="rival")
        say_hello("acme-hpc", identity="plain agent")
        client().hset(keys.WORKERS, "broken", b"\xff")
        client().hset(
            keys.WORKERS, "odd", json.dumps({"queues": ["acme-hpc:dispatch"], "facts": 7, "seen_at": "x"})
        )
        new, old, odd = send(acme.api, "get", "acme-hpc/dispatchers/").json()
        assert (new["identity"], new["is_alive"]) == ("new", True)
        assert new["problem"] == "Slurm does not take requests now"
        assert (old["identity"], old["is_alive"], odd["is_alive"]) == ("old", False, False)

    def test_machines_with_agents_have_no_dispatcher(self, acme: Tenant) -> None:
        say_hello("acme-gpu")
        assert send(acme.api, "get", "acme-gpu/dispatchers/").json() == []

    def test_only_owners_hear_of_them(self, acme: Tenant, rival: Tenant, cluster: Environment) -> None:
        assert send(api_of(acme.member), "get", "acme-hpc/dispatchers/").status_code == 403
        assert send(rival.api, "get", "acme-hpc/dispatchers/").status_code == 404


class TestPages:
    def test_a_cluster_is_made_and_its_settings_are_saved(self, acme: Tenant) -> None:
        body = {**SETTINGS, "slug": "acme-hpc", "queue_name": "", "kind": "slurm"}
        acme.browser.post(f"{PAGES}create/", body)
        asked = {
            "slurm_partition": "gpu", "slurm_cpus": "4", "slurm_time_limit_minutes": "60",
            "slurm_extra": "--exclusive\r\n\r\n --nice=5 ",
        }  # fmt: skip
        acme.browser.post(f"{PAGES}acme-hpc/", {**SETTINGS, **asked})
        made = Environment.objects.get(slug="acme-hpc")
        assert made.dispatch == {
            "partition": "gpu", "cpus": 4, "time_limit_minutes": 60, "extra": ["--exclusive", "--nice=5"],
        }  # fmt: skip
        text = acme.browser.get(f"{PAGES}acme-hpc/").content.decode()
        assert 'value="gpu"' in text
        assert "--nice=5" in text

    def test_what_is_wrong_is_told_and_changes_nothing(self, acme: Tenant, cluster: Environment) -> None:
        body = {**SETTINGS, "slurm_extra": "--uid=0", "slurm_partition": "<script>"}
        text = acme.browser.post(f"{PAGES}acme-hpc/", body).content.decode()
        assert "--uid may not be set here" in text
        assert "partition is a short text" in text
        assert "<script>" not in text.replace("<script ", "").partition("slurm_partition")[2][:400]
        cluster.refresh_from_db()
        assert cluster.dispatch == GIVEN

    def test_the_page_says_whether_a_dispatcher_lives(self, acme: Tenant, cluster: Environment) -> None:
        page = f"{PAGES}acme-hpc/"
        assert "peon dispatch slurm" in acme.browser.get(page).content.decode()
        say_hello()
        assert "hands jobs over" in acme.browser.get(page).content.decode()
        say_hello(ago=300)
        assert "silent" in acme.browser.get(page).content.decode()
        assert browser_of(acme.member).get(page).status_code == 403

    def test_machines_with_agents_have_no_such_panel(self, acme: Tenant) -> None:
        assert "dispatch" not in acme.browser.get(f"{PAGES}acme-gpu/").content.decode()
