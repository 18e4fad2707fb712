"""One agent speaks for an identity; a copy of its disk is refused, and a revoked worker does nothing more."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import AuditEvent
from common import clock
from environments.enrolment import services
from environments.enrolment.types import ALIVE
from environments.models import Environment, Worker, WorkerCredential
from executions import queue
from executions.models import Execution
from executions.revoked_workers import end_jobs_of
from executions.types import Status
from tests.environments.enrolment.support import Agent
from tests.support import factories
from tests.support.tenants import Tenant

pytestmark = pytest.mark.django_db


def copy_of(agent: Agent, **changes: Any) -> Agent:
    return Agent(**{**agent.__dict__, "turn": 0, **changes})


class TestHello:
    def test_it_describes_the_worker(self, agent: Agent) -> None:
        answer = agent.hello()
        assert answer.status_code == 200, answer.content
        assert answer.json()["queues"] == ["acme-gpu"]
        worker = Worker.objects.get()
        assert (worker.host, worker.runtime, worker.facts) == ("box", "docker", {"cpus": 8})

    @pytest.mark.parametrize("scheme", ["Worker", "Job", "Token"])
    def test_a_wrong_secret_is_nobody(self, agent: Agent, scheme: str) -> None:
        header = {"Authorization": f"{scheme} {agent.identity}.{'0' * 40}"}
        answer = Client().get("/api/agent/v1/worker/probe", headers=header)
        assert (answer.status_code, answer.json()["code"]) == (401, "worker_refused")

    @pytest.mark.parametrize(
        "text", ["", "Worker", "Worker .", "Worker a", "Worker \u00e4.\u00e4", "Worker a\0.b"]
    )
    def test_nonsense_is_nobody(self, agent: Agent, text: str) -> None:
        answer = Client().get("/api/agent/v1/worker/probe", HTTP_AUTHORIZATION=text)
        assert answer.status_code == 401

    @pytest.mark.parametrize(
        "presence",
        [None, {}, {"instance": "x"}, {"instance": "x", "turn": 0}, {"instance": "x", "turn": True},
         {"instance": "x", "turn": 2**63}, {"instance": "\0", "turn": 1}, {"instance": "", "turn": 1}],
    )  # fmt: skip
    def test_a_strange_presence_is_refused(self, agent: Agent, presence: Any) -> None:
        assert agent.hello(presence=presence).status_code == 400
        assert WorkerCredential.objects.get().instance == ""


class TestClones:
    def test_a_copied_disk_is_refused_and_told(self, acme: Tenant, agent: Agent) -> None:
        assert agent.hello().status_code == 200
        clone = copy_of(agent, instance="second", boot_id="other", host="clone-host")
        answer = clone.hello()
        assert (answer.status_code, answer.json()["code"]) == (409, "worker_cloned")
        assert "on the host box" in answer.json()["message"]
        assert agent.hello().status_code == 200, "the first one goes on"
        assert Worker.objects.get().host == "box"
        [row] = acme.api.get("/api/v0/environments/acme-gpu/workers/").json()["results"]
        assert row["cloned_by"] == "clone-host"
        assert (
            "Refused on clone-host"
            in acme.browser.get("/organizations/acme/environments/acme-gpu/").content.decode()
        )

    def test_a_copy_of_a_running_machine_falls_behind(self, agent: Agent) -> None:
        agent.hello()
        twin = copy_of(agent, turn=agent.turn)
        assert agent.hello().status_code == 200
        assert twin.hello().status_code == 409

    def test_a_copied_folder_on_the_same_machine(self, agent: Agent) -> None:
        agent.hello()
        second = copy_of(agent, instance="second")
        assert second.hello().status_code == 200, "as after a restart of the agent"
        assert agent.hello().status_code == 409, "two take turns no longer than this"
        assert second.hello().status_code == 200

    def test_after_a_reboot_the_machine_waits_until_it_is_forgotten(self, agent: Agent) -> None:
        agent.hello()
        rebooted = copy_of(agent, instance="second", boot_id="other")
        assert rebooted.hello().status_code == 409
        WorkerCredential.objects.update(heard_at=clock.now() - ALIVE - timedelta(seconds=1))
        assert rebooted.hello().status_code == 200

    def test_who_said_goodbye_need_not_be_waited_for(self, agent: Agent) -> None:
        agent.hello()
        assert agent.bye().status_code == 200
        assert copy_of(agent, instance="second", boot_id="other").hello().status_code == 200

    def test_a_clone_cannot_say_goodbye_for_the_first(self, agent: Agent) -> None:
        agent.hello()
        clone = copy_of(agent, instance="second", boot_id="other")
        clone.bye()
        assert clone.hello().status_code == 409


def claim(execution: Execution, identity: str, credential: str = "") -> Any:
    headers = {"Authorization": f"Job {queue.job_token(execution.pk, execution.epoch)}"}
    headers |= {"Peon-Worker": credential} if credential else {}
    url = f"/api/agent/v1/jobs/{execution.pk}/{execution.epoch}/claim"
    body = {"worker": {"identity": identity, "host": "box", "facts": {}}}
    return Client().post(url, data=body, content_type="application/json", headers=headers)


class TestClaim:
    @pytest.fixture
    def job(self, acme: Tenant) -> Execution:
        project = factories.make_project(acme.organization)
        return factories.make_execution(
            project, commit=factories.make_commit(project), environment=acme.environment, status=Status.QUEUED
        )

    def refused(self, job: Execution, code: str, *claiming: str) -> None:
        answer = claim(job, *claiming)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        job.refresh_from_db()
        assert job.status == Status.QUEUED

    def test_an_enrolled_dispatcher_has_agents_for_one_job_each(self, job: Execution, agent: Agent) -> None:
        Environment.objects.update(requires_enrolled_workers=True)
        one = f"{agent.identity}/slurm-7-node1"
        self.refused(job, "not_enrolled", one)
        self.refused(job, "identity_taken", f"{agent.identity}7/slurm-7", f"{agent.identity}.{agent.secret}")
        Environment.objects.update(requires_enrolled_workers=False)
        self.refused(job, "identity_taken", one)
        assert claim(job, one, f"{agent.identity}.{agent.secret}").status_code == 200
        end_jobs_of(agent.identity)
        job.refresh_from_db()
        assert job.status == Status.CRASHED

    def test_an_enrolled_worker_gets_its_job(self, job: Execution, agent: Agent) -> None:
        answer = claim(job, agent.identity, f"{agent.identity}.{agent.secret}")
        assert answer.status_code == 200, answer.content
        job.refresh_from_db()
        assert job.worker_identity == agent.identity

    def test_nobody_else_where_the_environment_asks_for_one(self, acme: Tenant, job: Execution) -> None:
        acme.environment.requires_enrolled_workers = True
        acme.environment.save()
        self.refused(job, "not_enrolled", "somebody")

    def test_agents_of_before_go_on_elsewhere(self, job: Execution) -> None:
        assert claim(job, "somebody").status_code == 200

    def test_nobody_takes_the_name_of_an_enrolled_worker(self, job: Execution, agent: Agent) -> None:
        self.refused(job, "identity_taken", agent.identity)

    def test_nor_another_name_with_its_own_secret(self, job: Execution, agent: Agent) -> None:
        self.refused(job, "identity_taken", "other", f"{agent.identity}.{agent.secret}")

    def test_a_wrong_secret(self, job: Execution, agent: Agent) -> None:
        self.refused(job, "worker_refused", agent.identity, f"{agent.identity}.{'0' * 40}")

    def test_a_worker_of_another_queue(self, rival: Tenant, job: Execution, ask: Any) -> None:
        token = services.issue_token(environment=rival.environment, actor=rival.owner)
        foreign = Agent(**ask(token).json()["workers"][0])
        self.refused(job, "wrong_queue", foreign.identity, f"{foreign.identity}.{foreign.secret}")

    def test_a_revoked_worker(self, acme: Tenant, job: Execution, agent: Agent) -> None:
        services.revoke_worker(credential=WorkerCredential.objects.get(), actor=acme.owner)
        self.refused(job, "worker_revoked", agent.identity, f"{agent.identity}.{agent.secret}")


@pytest.mark.django_db(transaction=True)
class TestRevocation:
    URL = "/api/v0/environments/acme-gpu/workers/"

    def test_what_it_runs_ends_and_it_is_told(self, acme: Tenant, agent: Agent) -> None:
        project = factories.make_project(acme.organization)
        running = factories.make_execution(
            project, environment=acme.environment, status=Status.STARTED, worker_identity=agent.identity
        )
        agent.hello()
        [row] = acme.api.get(self.URL).json()["results"]
        assert row["identity"] == agent.identity
        assert acme.api.delete(f"{self.URL}{row['id']}/").status_code == 204
        running.refresh_from_db()
        assert running.status == Status.CRASHED
        assert "was revoked" in running.error_text
        for answer in (agent.hello(), agent.probe()):
            assert (answer.status_code, answer.json()["code"]) == (401, "worker_revoked")
        assert acme.api.get(self.URL).json()["results"] == []
        assert AuditEvent.objects.filter(kind="worker.revoked").count() == 1

    def test_twice_is_once(self, acme: Tenant, agent: Agent) -> None:
        credential = WorkerCredential.objects.get()
        for _ in range(2):
            services.revoke_worker(credential=credential, actor=acme.owner)
        assert AuditEvent.objects.filter(kind="worker.revoked").count() == 1

    def test_members_may_not(self, acme: Tenant, agent: Agent) -> None:
        credential = WorkerCredential.objects.get()
        assert acme.member_api.delete(f"{self.URL}{credential.pk}/").status_code == 403
        assert agent.probe().status_code == 200
