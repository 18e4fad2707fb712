"""Access that is taken away ends live connections at once, on the real server; and only those."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import websockets
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client
from websockets.asyncio.client import ClientConnection

from accounts.models import ApiToken, User, UserSession
from accounts.services import create_api_token
from common import clock
from common.notices import publish_on_commit
from common.redis import client
from common.threads import LONG, in_thread
from executions import consumers, queue
from executions.logs.ingest import fold_events
from executions.models import Execution
from executions.types import Status
from organizations.access_changes import announce
from organizations.models import OrganizationMembership, TeamMembership
from peon.protocol import keys
from projects.models import Project, ProjectCollaborator
from tests.logs.agent import Agent
from tests.support import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_threads")]

AT_ONCE_SECONDS = 1.0


def by_token(user: User) -> dict[str, str]:
    _, secret = create_api_token(user=user, name="script")
    return {"Authorization": f"Token {secret}"}


def by_session(browser: Client) -> dict[str, str]:
    return {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}


async def opened(server: str, path: str, headers: dict[str, str]) -> ClientConnection:
    """A connection that has heard its first news, and so is known to be let in."""
    viewer = await websockets.connect(server + path, additional_headers=headers)
    await viewer.recv()
    # The guard listens from now on: it was told to look again when its subscription began.
    await asyncio.sleep(0.2)
    return viewer


async def close_code(viewer: ClientConnection) -> int | None:
    """Once the other side has closed; what comes before is passed over."""
    async with asyncio.timeout(30):
        await viewer.wait_closed()
    return viewer.close_code


def after(change: Callable[[], Any]) -> Callable[[], None]:
    def in_transaction() -> None:
        with transaction.atomic():
            change()

    return in_transaction


def closes_at_once(
    server: str, path: str, headers: dict[str, str], change: Callable[[], Any], code: int
) -> None:
    async def scene() -> None:
        viewer = await opened(server, path, headers)
        async with viewer:
            began = time.monotonic()
            await in_thread(LONG, after(change))
            assert await close_code(viewer) == code
            # The thread, the commit and this machine's other work are in it; the minute is not.
            assert time.monotonic() - began < AT_ONCE_SECONDS * 5

    asyncio.run(scene())


@pytest.fixture
def path(execution: Execution) -> str:
    return f"/ws/executions/{execution.pk}/"


class TestRightsEnd:
    @pytest.mark.parametrize("kind", ["executions", "projects"])
    def test_collaborator_removed(self, server: str, execution: Execution, bob: User, kind: str) -> None:
        subject = execution.pk if kind == "executions" else execution.project_id

        def change() -> None:
            ProjectCollaborator.objects.filter(user=bob).delete()
            announce([bob.pk])

        factories.make_execution(execution.project, status=Status.STARTED)
        closes_at_once(server, f"/ws/{kind}/{subject}/", by_token(bob), change, consumers.INVISIBLE)

    def test_member_of_the_organization_removed(self, server: str) -> None:
        owner, member = factories.make_user(), factories.make_user()
        organization = factories.make_organization(owners=(owner,), members=(member,))
        execution = factories.make_execution(factories.make_project(organization), status=Status.STARTED)

        def change() -> None:
            OrganizationMembership.objects.filter(user=member).delete()
            announce([member.pk])

        closes_at_once(
            server, f"/ws/executions/{execution.pk}/", by_token(member), change, consumers.INVISIBLE
        )

    def test_member_of_the_team_removed(self, server: str) -> None:
        member = factories.make_user()
        organization = factories.make_organization(members=(member,))
        team = factories.make_team(organization, members=(member,))
        project = factories.make_project(organization, team=team)
        execution = factories.make_execution(project, status=Status.STARTED)

        def change() -> None:
            TeamMembership.objects.filter(user=member).delete()
            announce([member.pk])

        closes_at_once(
            server, f"/ws/executions/{execution.pk}/", by_token(member), change, consumers.INVISIBLE
        )

    def test_organization_begins_to_require_a_second_factor(self, server: str) -> None:
        member = factories.make_user()
        organization = factories.make_organization(members=(member,))
        execution = factories.make_execution(factories.make_project(organization), status=Status.STARTED)

        def change() -> None:
            organization.require_2fa = True
            organization.save()
            announce([member.pk])

        closes_at_once(
            server, f"/ws/executions/{execution.pk}/", by_token(member), change, consumers.INVISIBLE
        )

    def test_project_transferred(self, server: str, execution: Execution, path: str, alice: User) -> None:
        other = factories.make_user()

        def change() -> None:
            Project.objects.filter(pk=execution.project_id).update(owner=other.owner)
            announce([alice.pk, other.pk])

        closes_at_once(server, path, by_token(alice), change, consumers.INVISIBLE)


class TestProofOfIdentityEnds:
    def test_session_signed_out(self, server: str, path: str, alice: User, alice_browser: Client) -> None:
        key = alice_browser.cookies["sessionid"].value
        UserSession.objects.create(user=alice, session_key=key, last_seen_at=clock.now())

        def change() -> None:
            Session.objects.filter(session_key=key).delete()
            publish_on_commit(f"access:{alice.pk}", "changed")

        closes_at_once(server, path, by_session(alice_browser), change, consumers.ANONYMOUS)

    def test_password_changed_elsewhere(
        self, server: str, path: str, alice: User, alice_browser: Client
    ) -> None:
        def change() -> None:
            alice.set_password("another horse battery")
            alice.save()
            publish_on_commit(f"access:{alice.pk}", "changed")

        closes_at_once(server, path, by_session(alice_browser), change, consumers.ANONYMOUS)

    @pytest.mark.parametrize("how", ["session", "token"])
    def test_user_disabled(
        self, server: str, path: str, alice: User, alice_browser: Client, how: str
    ) -> None:
        def change() -> None:
            User.objects.filter(pk=alice.pk).update(is_active=False)
            publish_on_commit(f"access:{alice.pk}", "changed")

        headers = by_session(alice_browser) if how == "session" else by_token(alice)
        closes_at_once(server, path, headers, change, consumers.ANONYMOUS)

    def test_token_revoked(self, server: str, path: str, alice: User) -> None:
        def change() -> None:
            ApiToken.objects.all().delete()
            publish_on_commit(f"access:{alice.pk}", "changed")

        closes_at_once(server, path, by_token(alice), change, consumers.ANONYMOUS)

    def test_token_that_expires_closes_at_the_next_look(
        self, server: str, path: str, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.1)
        past = clock.now() - timedelta(seconds=1)

        closes_at_once(
            server, path, by_token(alice), lambda: ApiToken.objects.update(expires_at=past), consumers.ANONYMOUS
        )  # fmt: skip


class TestEverythingElseGoesOn:
    def test_those_whose_rights_stay_hear_on(
        self, server: str, path: str, execution: Execution, agent: Agent, alice: User, bob: User
    ) -> None:
        """Bob is removed; Alice, and a token of hers for which a look was asked, are not disturbed."""

        of_alice, of_bob = by_token(alice), by_token(bob)

        async def scene() -> None:
            owner = await opened(server, path, of_alice)
            removed = await opened(server, path, of_bob)
            async with owner, removed:
                await owner.send('{"subscribe": "log", "from_line": 0}')
                await in_thread(LONG, ProjectCollaborator.objects.all().delete)
                await in_thread(LONG, announce, [alice.pk, bob.pk])
                assert await close_code(removed) == consumers.INVISIBLE
                agent.say("still here")
                await in_thread(LONG, fold_events, execution.pk)
                async with asyncio.timeout(30):
                    while '"still here"' not in await owner.recv():
                        pass

        asyncio.run(scene())

    def test_viewer_that_does_not_read_gets_nothing_new(
        self, server: str, path: str, agent: Agent, bob: User
    ) -> None:
        """What stands in buffers may still arrive; the log behind it does not."""
        total, headers = 100_000, by_token(bob)

        async def scene() -> None:
            connection = websockets.connect(
                server + path, additional_headers=headers, max_queue=1, max_size=None
            )
            async with connection as viewer:
                await viewer.send('{"subscribe": "log", "from_line": 0}')
                for start in range(0, total, 1000):
                    agent.say(*(f"{n} {'x' * 300}" for n in range(start, start + 1000)))
                    await in_thread(LONG, fold_events, agent.execution.pk)
                await in_thread(LONG, ProjectCollaborator.objects.all().delete)
                await in_thread(LONG, announce, [bob.pk])
                await asyncio.sleep(1)
                heard = sum([json.loads(message).get("line_count", 0) async for message in viewer])
                assert heard < total / 2

        with contextlib.suppress(websockets.ConnectionClosed):
            asyncio.run(scene())

    def test_a_change_that_is_rolled_back_is_not_announced(self, bob: User) -> None:
        with client().pubsub() as listener:
            listener.subscribe(keys.notice_channel(f"access:{bob.pk}"))
            assert listener.get_message(timeout=5)["type"] == "subscribe"
            with transaction.atomic():
                announce([bob.pk])
                transaction.set_rollback(True)
            announce([bob.pk, bob.pk])
            found = listener.get_message(timeout=5)
            assert json.loads(found["data"]) == {"kind": "changed"}
            assert listener.get_message(timeout=0.1) is None


class TestWhoMaySubscribe:
    @pytest.mark.parametrize("kind", ["executions", "projects"])
    def test_what_one_may_not_see_answers_like_what_does_not_exist(
        self, server: str, execution: Execution, bob: User, kind: str
    ) -> None:
        """Bob works in one project; that opens no other one."""
        foreign = factories.make_execution(status=Status.STARTED)
        subjects = {
            "executions": [foreign.pk, execution.project_id, uuid4()],
            "projects": [foreign.project_id, execution.pk, uuid4()],
        }
        headers = by_token(bob)

        async def scene() -> None:
            for subject in subjects[kind]:
                address = f"{server}/ws/{kind}/{subject}/"
                async with websockets.connect(address, additional_headers=headers) as viewer:
                    assert await close_code(viewer) == consumers.INVISIBLE

        asyncio.run(scene())

    def test_token_of_a_job_opens_nothing(self, server: str, execution: Execution, path: str) -> None:
        token = queue.job_token(execution.pk, execution.epoch)

        async def scene() -> None:
            for scheme in ("Job", "Token", "Bearer"):
                headers = {"Authorization": f"{scheme} {token}"}
                async with websockets.connect(server + path, additional_headers=headers) as viewer:
                    assert await close_code(viewer) == consumers.ANONYMOUS

        asyncio.run(scene())
