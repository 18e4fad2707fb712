"""A token lets one machine in, once, for a while; whatever else is tried is refused in words and changes nothing."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from audit.models import AuditEvent
from common import clock
from environments.enrolment import services
from environments.enrolment.errors import TokenWishRefused
from environments.models import EnrolmentToken, Worker, WorkerCredential
from tests.support.tenants import Tenant

pytestmark = pytest.mark.django_db


def test_a_machine_gets_an_identity_and_a_secret(acme: Tenant, token: str, ask: Any) -> None:
    answer = ask(token)
    assert answer.status_code == 200, answer.content
    [worker] = answer.json()["workers"]
    assert worker["identity"].startswith("box.example-")
    assert answer.json()["queues"] == ["acme-gpu"]
    credential = WorkerCredential.objects.select_related("worker").get()
    assert credential.worker.identity == worker["identity"]
    assert worker["secret"] not in str(WorkerCredential.objects.values().get())
    assert token not in str(EnrolmentToken.objects.values().get())
    event = AuditEvent.objects.get(kind="worker.enrolled")
    assert event.owner_ids == [acme.organization.pk]
    assert worker["secret"] not in f"{event.after}"


def test_several_agents_of_one_machine_have_identities_of_their_own(token: str, ask: Any) -> None:
    workers = ask(token, agents=3).json()["workers"]
    assert len({worker["identity"] for worker in workers}) == 3
    assert EnrolmentToken.objects.get().used == 1


def refused(ask: Any, token: str, status: int, code: str, **more: Any) -> str:
    known = (Worker.objects.count(), WorkerCredential.objects.count())
    answer = ask(token, **more)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (Worker.objects.count(), WorkerCredential.objects.count()) == known
    return str(answer.json()["message"])


def test_a_used_token_is_refused(token: str, ask: Any) -> None:
    ask(token)
    assert "has been used" in refused(ask, token, 409, "token_used")


def test_an_expired_one(token: str, ask: Any) -> None:
    EnrolmentToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert "expired at" in refused(ask, token, 403, "token_expired")


def test_a_revoked_one(acme: Tenant, token: str, ask: Any) -> None:
    services.revoke_token(token=EnrolmentToken.objects.get(), actor=acme.owner)
    assert "revoked" in refused(ask, token, 403, "token_revoked")


def test_one_of_another_organization_for_a_queue_that_it_is_not_for(
    rival: Tenant, acme: Tenant, ask: Any
) -> None:
    foreign = services.issue_token(environment=rival.environment, actor=rival.owner)
    message = refused(ask, foreign, 403, "token_foreign", queues=["acme-gpu"])
    assert "for the queue 'rival-gpu'" in message
    assert EnrolmentToken.objects.get().used == 0


def test_an_invented_one(token: str, ask: Any) -> None:
    assert "no such" in refused(ask, "peon-" + "0" * 40, 401, "token_unknown")


@pytest.mark.parametrize(
    "body",
    [{"token": None}, {"token": 7}, {"agents": "many"}, {"agents": True}, {"queues": "x"}, {"host": {"name": "\0"}}],
)  # fmt: skip
def test_what_is_no_enrolment_is_refused(token: str, ask: Any, body: dict[str, Any]) -> None:
    answer = ask(**{"token": token, **body})
    assert answer.status_code == 400
    assert WorkerCredential.objects.count() == 0


@pytest.mark.parametrize("agents", [0, -1, 65, 10**12])
def test_absurd_numbers_of_agents(token: str, ask: Any, agents: int) -> None:
    assert ask(token, agents=agents).status_code == 400
    assert EnrolmentToken.objects.get().used == 0


def test_who_guesses_is_slowed_down(token: str, ask: Any) -> None:
    answers = [ask(f"peon-{number}").status_code for number in range(70)]
    assert answers[0] == 401
    assert answers[-1] == 429


@pytest.mark.parametrize(("uses", "days"), [(0, 1), (1001, 1), (1, 31), (1, 0)])
def test_absurd_tokens_are_not_made(acme: Tenant, uses: int, days: int) -> None:
    with pytest.raises(TokenWishRefused):
        services.issue_token(
            environment=acme.environment, actor=acme.owner, uses=uses, lifetime=timedelta(days=days)
        )
    assert not EnrolmentToken.objects.exists()


def test_the_platform_makes_one_for_a_machine_that_it_starts(acme: Tenant, ask: Any) -> None:
    made = services.issue_token(environment=acme.environment, machine_id="machine-7")
    ask(made)
    assert WorkerCredential.objects.get().machine_id == "machine-7"


@pytest.mark.django_db(transaction=True)
def test_two_machines_at_once_have_one_winner(token: str, ask: Any) -> None:
    answers: list[int] = []

    def try_it() -> None:
        answers.append(ask(token).status_code)
        connections.close_all()

    threads = [threading.Thread(target=try_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409, 409, 409, 409, 409]
    assert WorkerCredential.objects.count() == 1


class TestApi:
    URL = "/api/v0/environments/acme-gpu/enrolment-tokens/"

    def test_made_listed_and_revoked(self, acme: Tenant, ask: Any) -> None:
        made = acme.api.post(self.URL, {"uses": 2, "lifetime_hours": 3})
        assert made.status_code == 201
        token = made.json()["token"]
        assert made.json()["command"].endswith(f"--token {token}")
        ask(token)
        [row] = acme.api.get(self.URL).json()["results"]
        assert (row["uses"], row["used"], row["creator"]["username"]) == (2, 1, "olga")
        assert token not in str(row)
        assert acme.api.delete(f"{self.URL}{row['id']}/").status_code == 204
        assert acme.api.get(self.URL).json()["results"] == []
        assert ask(token).status_code == 403

    def test_members_may_not(self, acme: Tenant) -> None:
        assert acme.member_api.get(self.URL).status_code == 403
        assert acme.member_api.post(self.URL, {}).status_code == 403
        assert not EnrolmentToken.objects.exists()

    def test_strangers_see_nothing(self, acme: Tenant, rival: Tenant) -> None:
        assert rival.api.get(self.URL).status_code == 404

    def test_a_token_of_another_environment_is_not_found(self, acme: Tenant, rival: Tenant) -> None:
        services.issue_token(environment=rival.environment, actor=rival.owner)
        foreign = EnrolmentToken.objects.get()
        assert acme.api.delete(f"{self.URL}{foreign.pk}/").status_code == 404
        foreign.refresh_from_db()
        assert foreign.revoked_at is None
