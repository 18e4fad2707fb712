"""Collaborators and invitations: services, API, pages, and the letter's link."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import EmailAddress, User
from audit.models import AuditEvent
from common import notices
from common.errors import DomainError
from organizations import services as organization_services
from organizations.access import may
from organizations.models import Organization, OrganizationMembership, Team
from projects import services
from projects.models import Project, ProjectCollaborator, ProjectInvitation
from projects.selectors import projects_for
from tests.conftest import api_of, browser_of
from tests.support import factories
from tests.web.addresses import page
from valohai_app.celery import app

Role = OrganizationMembership.Role
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def letters(db: None) -> Iterator[list[Any]]:
    """What was sent so far; Celery's work is done in this process."""
    mail.outbox.clear()
    app.conf.task_always_eager = True
    yield mail.outbox
    app.conf.task_always_eager = False


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    topics: list[str] = []
    monkeypatch.setattr(notices, "publish", lambda topic, kind, **facts: topics.append(topic))
    return topics


@pytest.fixture
def acme(alice: User) -> Organization:
    return factories.make_organization("acme", owners=(alice,))


@pytest.fixture
def ours(acme: Organization, alice: User) -> Project:
    """A project of a team of Alice's organization."""
    team = factories.make_team(acme, "vision")
    return factories.make_project(acme, "churn", team=team, creator=alice)


def link(secret: str) -> str:
    return f"https://mlops.example.com/invitations/project/{secret}/"


def at(project: Project, tail: str = "") -> str:
    return f"/api/v0/projects/{project.pk}/collaborators/{tail}"


def accept_at(invitation: Any) -> str:
    return reverse("project_invitation", kwargs={"secret": invitation.secret})


def invite(project: Project, actor: User, email: str, **more: Any) -> ProjectInvitation:
    return services.invite_collaborator(project=project, actor=actor, email=email, link=link, **more)


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
        self, ours: Project, acme: Organization, charlie: User, charlie_browser: Client
    ) -> None:
        factories.make_project(acme, "other")
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
        self, acme: Organization, charlie_browser: Client
    ) -> None:
        invitation = factories.make_invitation(acme)
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


class TestColleagues:
    """Members of the organization that owns the project know each other: no letter is needed."""

    @pytest.fixture
    def colleague(self, acme: Organization) -> User:
        colleague = factories.make_user("colleague")
        OrganizationMembership.objects.create(organization=acme, user=colleague, role=Role.MEMBER)
        return colleague

    def test_they_are_added_changed_and_removed(
        self, alice_api: APIClient, ours: Project, colleague: User
    ) -> None:
        answer = alice_api.post(at(ours), {"user": "COLLEAGUE", "is_read_only": True})
        assert answer.status_code == 201
        assert answer.json()["user"] == {"id": colleague.pk, "username": "colleague"}
        assert may(colleague, "view", ours)
        assert not may(colleague, "run", ours)
        one = at(ours, f"{colleague.pk}/")
        assert alice_api.patch(one, {"is_read_only": False}).json()["is_read_only"] is False
        assert may(colleague, "run", ours)
        (row,) = alice_api.get(at(ours)).json()["results"]
        assert row["is_read_only"] is False
        assert alice_api.delete(one).status_code == 204
        assert not may(colleague, "view", ours)
        assert alice_api.delete(one).status_code == 404
        kinds = AuditEvent.objects.order_by("created_at", "id").values_list("kind", flat=True)
        assert list(kinds) == ["collaborator.added", "collaborator.changed", "collaborator.removed"]

    def test_access_ends_at_once(
        self,
        alice: User,
        ours: Project,
        colleague: User,
        heard: list[str],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        factories.make_collaborator(ours, colleague)
        with django_capture_on_commit_callbacks(execute=True):
            services.remove_collaborator(project=ours, actor=alice, user_id=colleague.pk)
        assert heard == [f"access:{colleague.pk}"]

    @pytest.mark.parametrize("user", ["charlie", "nobody", "", "alice", "x\0", "c" * 500])
    def test_nobody_else(self, alice_api: APIClient, ours: Project, charlie: User, user: str) -> None:
        """A stranger and nobody get the same answer; Alice has the access already."""
        answer = alice_api.post(at(ours), {"user": user})
        assert answer.status_code == 400
        assert "user" in answer.json()
        if user in ("charlie", "nobody"):
            assert answer.json()["user"][0]["message"].startswith(f"acme has no member {user}.")
        assert not ProjectCollaborator.objects.exists()

    def test_not_twice(self, alice_api: APIClient, ours: Project, colleague: User) -> None:
        factories.make_collaborator(ours, colleague, is_read_only=True)
        answer = alice_api.post(at(ours), {"user": "colleague"})
        assert answer.json()["user"][0]["code"] == "already_collaborates"
        assert ProjectCollaborator.objects.get().is_read_only is True

    def test_a_personal_project_has_none(self, alice_api: APIClient, project: Project, charlie: User) -> None:
        assert alice_api.post(at(project), {"user": "charlie"}).status_code == 400
        assert not ProjectCollaborator.objects.exists()

    def test_administrators_only(self, ours: Project, colleague: User, charlie: User) -> None:
        Team.objects.get().memberships.create(user=colleague)
        for user, status in ((colleague, 403), (charlie, 404)):
            assert api_of(user).post(at(ours), {"user": "colleague"}).status_code == status
            assert api_of(user).patch(at(ours, f"{user.pk}/"), {"is_read_only": False}).status_code == status
            assert api_of(user).delete(at(ours, f"{user.pk}/")).status_code == status
            assert api_of(user).get(f"/api/v0/projects/{ours.pk}/members/").status_code == status

    def test_everybody_with_access_and_why(
        self, alice_api: APIClient, ours: Project, colleague: User
    ) -> None:
        Team.objects.get().memberships.create(user=colleague, is_read_only=True)
        rows = alice_api.get(f"/api/v0/projects/{ours.pk}/members/").json()["results"]
        assert [(row["user"]["username"], row["level"], row["reasons"]) for row in rows] == [
            ("alice", "administrator", ["owner of acme", "created the project"]),
            ("colleague", "viewer", ["read-only member of the team vision"]),
        ]

    def test_leaving_the_organization_ends_it(
        self, alice: User, ours: Project, acme: Organization, colleague: User, project: Project
    ) -> None:
        """There, and nowhere else; a link on the way to them ends as well."""
        factories.make_verified_email(colleague, "colleague@example.com")
        factories.make_collaborator(ours, colleague)
        factories.make_collaborator(project, colleague)
        sent = factories.make_project_invitation(factories.make_project(acme), "Colleague@example.com")
        to_others = factories.make_project_invitation(ours, "other@example.com")
        organization_services.remove_member(organization=acme, actor=alice, user=colleague)
        assert ProjectCollaborator.objects.get().project == project
        sent.refresh_from_db()
        to_others.refresh_from_db()
        assert sent.cancelled_at
        assert not to_others.cancelled_at
        assert AuditEvent.objects.filter(kind="collaborator.removed", actor_id=alice.pk).count() == 1

    def test_an_address_that_is_only_claimed_ends_no_link_of_others(
        self, alice: User, ours: Project, acme: Organization, colleague: User
    ) -> None:
        EmailAddress.objects.create(user=colleague, email="other@example.com")
        sent = factories.make_project_invitation(ours, "other@example.com")
        organization_services.remove_member(organization=acme, actor=alice, user=colleague)
        sent.refresh_from_db()
        assert sent.cancelled_at is None


class TestPages:
    def tab(self, project: Project) -> str:
        return page("project_settings", project, tab="collaborators")

    def test_the_tab_shows_who_and_why(self, alice_browser: Client, ours: Project, charlie: User) -> None:
        factories.make_collaborator(ours, charlie)
        factories.make_project_invitation(ours, "friend@example.com")
        factories.make_project_invitation(
            ours, "late@example.com", expires_at=ours.created_at - timedelta(days=1)
        )
        text = alice_browser.get(self.tab(ours)).content.decode()
        for part in ("charlie", "friend@example.com", "owner of acme", "expired"):
            assert part in text

    def test_inviting_and_what_is_refused(self, alice_browser: Client, ours: Project) -> None:
        body = {"email": "friend@example.com", "access": "viewer"}
        answer = alice_browser.post(self.tab(ours), body, follow=True)
        assert "Sent a letter to friend@example.com." in answer.content.decode()
        assert ProjectInvitation.objects.get().is_read_only is True
        text = alice_browser.post(self.tab(ours), body).content.decode()
        assert "invited already" in text
        assert "has-error" in text

    def test_adding_a_colleague(self, alice_browser: Client, ours: Project, acme: Organization) -> None:
        colleague = factories.make_user("colleague")
        OrganizationMembership.objects.create(organization=acme, user=colleague, role=Role.VIEWER)
        assert '<option value="colleague">' in alice_browser.get(self.tab(ours)).content.decode()
        text = alice_browser.post(
            page("collaborator_add", ours), {"user": "x", "access": "member"}
        ).content.decode()
        assert "acme has no member x." in text
        body = {"user": "colleague", "access": "member"}
        assert alice_browser.post(page("collaborator_add", ours), body)["Location"] == self.tab(ours)
        assert may(colleague, "run", ours)

    def test_changing_and_removing_answers_the_new_lists(
        self, alice_browser: Client, ours: Project, charlie: User
    ) -> None:
        factories.make_collaborator(ours, charlie)
        change = page("collaborator_change", ours, user_id=charlie.pk)
        answer = alice_browser.post(change, {"access": "viewer"}, headers=FRAGMENT)
        assert "<html" not in answer.content.decode()
        assert "charlie only looks" in answer["HX-Trigger"]
        assert ProjectCollaborator.objects.get().is_read_only is True
        remove = page("collaborator_remove", ours, user_id=charlie.pk)
        assert "charlie" not in alice_browser.post(remove, headers=FRAGMENT).content.decode()
        again = alice_browser.post(remove, headers=FRAGMENT)
        assert "has no collaborator" in again["HX-Trigger"]

    def test_sending_again_and_cancelling(self, alice_browser: Client, ours: Project) -> None:
        invitation = factories.make_project_invitation(ours, "friend@example.com")
        for name, said in (
            ("collaborator_invitation_resend", "Sent a new letter"),
            ("collaborator_invitation_resend", "sent a moment ago"),
            ("collaborator_invitation_cancel", "Cancelled"),
        ):
            address = page(name, ours, invitation_id=invitation.pk)
            assert said in alice_browser.post(address, headers=FRAGMENT)["HX-Trigger"]
        invitation.refresh_from_db()
        assert invitation.cancelled_at

    def test_a_collaborator_does_not_see_the_tab(self, ours: Project, charlie: User) -> None:
        factories.make_collaborator(ours, charlie)
        browser = browser_of(charlie)
        assert browser.get(self.tab(ours)).status_code == 403
        assert browser.post(self.tab(ours), {"email": "x@example.com", "access": "member"}).status_code == 403
        assert not ProjectInvitation.objects.exists()
