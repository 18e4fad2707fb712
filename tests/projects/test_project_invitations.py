"""People from outside are invited into one project by a letter, and accept."""

import re
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import DomainError
from organizations.access import may
from organizations.models import Organization, Team
from projects import services
from projects.models import Project, ProjectCollaborator, ProjectInvitation
from projects.selectors import projects_for
from tests.conftest import api_of
from tests.projects.inviting import accept_at, at, invite
from tests.support import factories

pytestmark = pytest.mark.usefixtures("letters")


class TestInviting:
    def test_a_letter_leaves_with_a_link_that_works(
        self, alice: User, ours: Project, letters: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            invitation = invite(ours, alice, " friend@example.com ", is_read_only=True)
        (letter,) = letters
        assert letter.to == ["friend@example.com"]
        assert letter.subject == "alice invites you to the project acme/churn"
        assert "look at its executions" in letter.body
        secret = re.search(r"/invitations/project/(\w+)/", letter.body)[1]  # type: ignore[index]
        assert secret not in str(ProjectInvitation.objects.values().get()), "only its digest is kept"
        answer = Client().get(f"/invitations/project/{secret}/")
        assert answer.status_code == 200
        assert "acme/churn" in answer.content.decode()
        assert invitation.inviter == alice

    @pytest.mark.parametrize(
        "email", ["", "x", "a@b", "a b@example.com", "a@example.com\nBcc: b@example.com", "a\0@example.com", "x" * 300 + "@e.com"]
    )  # fmt: skip
    def test_addresses_that_are_none(
        self, alice: User, alice_api: APIClient, ours: Project, email: str
    ) -> None:
        answer = alice_api.post(at(ours, "invitations/"), {"email": email})
        assert answer.status_code == 400
        assert "email" in answer.json()
        assert not ProjectInvitation.objects.exists()

    def test_not_oneself(self, alice: User, ours: Project) -> None:
        factories.make_verified_email(alice, "other@example.com")
        for email in ("alice@example.com", "ALICE@example.com", "other@example.com"):
            with pytest.raises(DomainError, match="your own address"):
                invite(ours, alice, email)
        assert not ProjectInvitation.objects.exists()

    def test_not_twice(self, alice: User, ours: Project) -> None:
        invite(ours, alice, "friend@example.com")
        with pytest.raises(DomainError, match="invited already"):
            invite(ours, alice, "FRIEND@example.com")
        assert ProjectInvitation.objects.count() == 1

    def test_not_who_is_there_already(self, alice: User, ours: Project, charlie: User) -> None:
        factories.make_verified_email(charlie, "charlie@example.com")
        factories.make_collaborator(ours, charlie, is_read_only=True)
        with pytest.raises(DomainError, match="collaborates in acme/churn already"):
            invite(ours, alice, "charlie@example.com")
        member = factories.make_user("member")
        factories.make_verified_email(member, "member@example.com")
        Team.objects.get().memberships.create(user=member)
        with pytest.raises(DomainError, match="has this access"):
            invite(ours, alice, "member@example.com")
        assert not ProjectInvitation.objects.exists()

    def test_whoever_only_looks_may_be_invited_to_work(self, alice: User, ours: Project) -> None:
        reader = factories.make_user("reader")
        factories.make_verified_email(reader, "reader@example.com")
        Team.objects.get().memberships.create(user=reader, is_read_only=True)
        invite(ours, alice, "reader@example.com")
        ProjectInvitation.objects.all().delete()
        with pytest.raises(DomainError):
            invite(ours, alice, "reader@example.com", is_read_only=True)

    def test_the_answer_does_not_show_who_has_an_account(
        self, alice_api: APIClient, ours: Project, charlie: User, superuser: User
    ) -> None:
        """A superuser's neither, although they could see the project."""
        for user in (charlie, superuser):
            factories.make_verified_email(user, user.email)
        answers = [
            alice_api.post(at(ours, "invitations/"), {"email": email}).json()
            for email in ("charlie@example.com", "root@example.com", "nobody@example.com")
        ]
        shapes = [
            {**answer, "id": "", "email": "", "sent_time": "", "expires_time": ""} for answer in answers
        ]
        assert shapes[0] == shapes[1] == shapes[2]
        assert shapes[0]["state"] == "pending"

    def test_administrators_only(self, ours: Project, charlie: User) -> None:
        worker = factories.make_user("worker")
        Team.objects.get().memberships.create(user=worker)
        for user, status in ((worker, 403), (charlie, 404)):
            answer = api_of(user).post(at(ours, "invitations/"), {"email": "friend@example.com"})
            assert answer.status_code == status
            assert api_of(user).get(at(ours, "invitations/")).status_code == status
            assert api_of(user).get(at(ours)).status_code == status
        assert not ProjectInvitation.objects.exists()

    def test_pending_ones_are_listed_sent_again_and_cancelled(
        self, alice_api: APIClient, ours: Project, letters: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        invitation = factories.make_project_invitation(ours, "friend@example.com")
        old = accept_at(invitation)
        (row,) = alice_api.get(at(ours, "invitations/")).json()["results"]
        assert (row["email"], row["state"], row["is_read_only"]) == ("friend@example.com", "pending", False)
        one = at(ours, f"invitations/{row['id']}/")
        with django_capture_on_commit_callbacks(execute=True):
            assert alice_api.post(f"{one}resend/").status_code == 200
        assert len(letters) == 1
        assert Client().get(old).status_code == 404, "the older link has ended"
        assert alice_api.post(f"{one}resend/").status_code == 429
        assert alice_api.delete(one).status_code == 204
        assert alice_api.delete(one).status_code == 409
        assert alice_api.get(at(ours, "invitations/")).json()["results"] == []
        fresh = re.search(r"/invitations/project/\w+/", letters[0].body)[0]  # type: ignore[index]
        assert Client().get(fresh).status_code == 404

    def test_those_of_another_project_are_out_of_reach(
        self, alice_api: APIClient, ours: Project, charlie: User
    ) -> None:
        theirs = factories.make_project_invitation(factories.make_project(charlie))
        assert alice_api.delete(at(ours, f"invitations/{theirs.pk}/")).status_code == 404
        assert alice_api.post(at(ours, f"invitations/{theirs.pk}/resend/")).status_code == 404
        theirs.refresh_from_db()
        assert theirs.cancelled_at is None


class TestAccepting:
    def test_an_existing_account_sees_this_project_only(
        self, ours: Project, company: Organization, charlie: User, charlie_browser: Client
    ) -> None:
        factories.make_project(company, "other")
        invitation = factories.make_project_invitation(ours, "charlie@example.com")
        answer = charlie_browser.get(accept_at(invitation))
        assert "Join as charlie" in answer.content.decode()
        assert not may(charlie, "view", ours), "looking accepts nothing"
        assert charlie_browser.post(accept_at(invitation))["Location"] == "/p/acme/churn/"
        assert may(charlie, "run", ours)
        assert [project.name for project in projects_for(charlie)] == ["churn"]
        assert charlie_browser.get(accept_at(invitation)).status_code == 404, "it works once"

    def test_a_viewer(self, ours: Project, charlie: User, charlie_browser: Client) -> None:
        invitation = factories.make_project_invitation(ours, is_read_only=True)
        charlie_browser.post(accept_at(invitation))
        assert may(charlie, "view", ours)
        assert not may(charlie, "run", ours)

    def test_somebody_without_an_account_makes_one(self, ours: Project) -> None:
        invitation = factories.make_project_invitation(ours, "new@example.com")
        browser = Client()
        body = {"username": "newcomer", "password": "correct horse battery"}
        assert browser.post(accept_at(invitation), body)["Location"] == "/p/acme/churn/"
        newcomer = User.objects.get(username="newcomer")
        assert newcomer.email == "new@example.com"
        assert may(newcomer, "run", ours)
        assert browser.get("/p/acme/churn/").status_code == 200

    @pytest.mark.parametrize(
        ("username", "password"),
        [
            ("alice", "correct horse battery"),
            ("a/b", "correct horse battery"),
            ("newcomer", "short"),
            ("", ""),
        ],
    )
    def test_an_account_that_cannot_be_accepts_nothing(
        self, ours: Project, alice: User, username: str, password: str
    ) -> None:
        invitation = factories.make_project_invitation(ours)
        users = User.objects.count()
        answer = Client().post(accept_at(invitation), {"username": username, "password": password})
        assert answer.status_code == 200
        assert (User.objects.count(), ProjectCollaborator.objects.count()) == (users, 0)
        invitation.refresh_from_db()
        assert invitation.accepted_at is None

    @pytest.mark.parametrize("secret", ["forged", "0" * 40, "x" * 2000, "%00", "а" * 40])  # noqa: RUF001
    def test_a_forged_link(self, charlie_browser: Client, ours: Project, secret: str) -> None:
        factories.make_project_invitation(ours)
        for answer in (charlie_browser.get, charlie_browser.post, Client().get):
            assert answer(f"/invitations/project/{secret}/").status_code == 404
        assert not ProjectCollaborator.objects.exists()

    def test_an_expired_a_cancelled_and_a_used_link(self, ours: Project, charlie_browser: Client) -> None:
        first = factories.make_project_invitation(ours)
        now = first.sent_at
        for field, value in (("expires_at", now), ("cancelled_at", now), ("accepted_at", now)):
            invitation = factories.make_project_invitation(ours, **{field: value})
            answer = charlie_browser.post(accept_at(invitation))
            assert answer.status_code == 404
            assert "not valid" in answer.content.decode()
        assert not ProjectCollaborator.objects.exists()

    def test_a_link_into_an_organization_opens_no_project(
        self, company: Organization, charlie_browser: Client
    ) -> None:
        invitation = factories.make_invitation(company)
        assert charlie_browser.post(accept_at(invitation)).status_code == 404
        assert not ProjectCollaborator.objects.exists()

    def test_whoever_has_the_access_leaves_the_link_for_others(
        self, ours: Project, alice_browser: Client, charlie: User, charlie_browser: Client
    ) -> None:
        invitation = factories.make_project_invitation(ours)
        answer = alice_browser.post(accept_at(invitation))
        assert answer.status_code == 400
        assert "has this access" in answer.content.decode()
        assert charlie_browser.post(accept_at(invitation)).status_code == 302
        assert may(charlie, "run", ours)

    def test_the_rules_of_the_organization_hold(
        self, ours: Project, charlie: User, charlie_browser: Client
    ) -> None:
        Organization.objects.update(require_2fa=True)
        invitation = factories.make_project_invitation(ours)
        answer = charlie_browser.post(accept_at(invitation), follow=True)
        assert "needs a second factor" in answer.content.decode()
        assert charlie_browser.get("/p/acme/churn/").status_code == 404
        factories.make_second_factor(charlie)
        assert charlie_browser.get("/p/acme/churn/").status_code == 200

    def test_a_transfer_keeps_the_link(
        self, alice: User, ours: Project, charlie: User, charlie_browser: Client
    ) -> None:
        invitation = factories.make_project_invitation(ours)
        services.transfer_project(project=ours, actor=alice, owner=alice.owner)
        assert charlie_browser.post(accept_at(invitation))["Location"] == "/p/alice/churn/"
