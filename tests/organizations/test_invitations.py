"""Invitations: sent, listed, sent again, cancelled, ended by time; and what they are not sent for."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.core.mail import EmailMessage

from accounts.models import User
from accounts.services import emails
from accounts.throttling import INVITATIONS
from audit.models import AuditEvent
from common import clock
from organizations import invitations, services
from organizations.models import Invitation, Organization, OrganizationMembership, Team
from projects.services import invite_collaborator
from tests.conftest import api_of
from tests.organizations.conftest import results
from tests.support import factories

pytestmark = pytest.mark.django_db

Role = OrganizationMembership.Role


def secret_in(letter: EmailMessage) -> str:
    found = re.search(r"http://testserver/invitations/([0-9a-f]{40})/", str(letter.body))
    assert found, letter.body
    return found[1]


@pytest.fixture
def path(acme: Organization) -> str:
    return f"/api/v0/organizations/{acme.pk}/invitations/"


class TestSending:
    def test_a_letter_with_a_link_goes_out(
        self,
        alice: User,
        alice_api: Any,
        path: str,
        vision: Team,
        committed: Any,
        letters: list[EmailMessage],
        audited: Any,
    ) -> None:
        body = {"email": " New@Example.com ", "role": "viewer", "teams": [str(vision.pk)]}
        with committed():
            answer = alice_api.post(path, body)
        assert answer.status_code == 201
        shown = answer.json()
        assert (shown["email"], shown["role"], shown["status"]) == ("New@example.com", "viewer", "pending")
        assert shown["teams"] == [{"id": str(vision.pk), "name": "vision"}]
        assert shown["inviter"] == {"id": alice.pk, "username": "alice"}
        (letter,) = letters
        assert letter.to == ["New@example.com"]
        assert letter.subject == "alice invites you to the organization acme"
        invitation = invitations.find(Invitation, secret_in(letter))
        assert timedelta(days=6, hours=23) < invitation.expires_at - clock.now() <= timedelta(days=7)
        (row,) = audited("invitation.sent")
        assert row.after == {"email": "New@example.com", "role": "viewer", "teams": ["vision"]}

    def test_the_secret_is_in_the_letter_only(
        self, alice_api: Any, path: str, committed: Any, letters: list[EmailMessage]
    ) -> None:
        with committed():
            answer = alice_api.post(path, {"email": "new@example.com"})
        secret = secret_in(letters[0])
        stored = Invitation.objects.get()
        assert secret not in answer.content.decode()
        assert secret not in str(list(Invitation.objects.values()))
        assert secret not in str(list(AuditEvent.objects.values()))
        assert stored.digest != secret
        assert stored.digest not in alice_api.get(path).content.decode()

    def test_the_link_leads_to_the_public_address(
        self, settings: Any, alice_api: Any, path: str, committed: Any, letters: list[EmailMessage]
    ) -> None:
        settings.URL_BASE = "https://mlops.example.com"
        with committed():
            alice_api.post(path, {"email": "new@example.com"}, headers={"Host": "evil.example.com"})
        assert "https://mlops.example.com/invitations/" in letters[0].body
        assert "evil" not in letters[0].body

    def test_in_the_browser(self, alice_browser: Any, acme: Organization, vision: Team) -> None:
        alice_browser.post(
            "/organizations/acme/invitations/",
            {"email": "new@example.com", "role": "member", "teams": [str(vision.pk)]},
        )
        page = alice_browser.get("/organizations/acme/invitations/").content.decode()
        assert "new@example.com" in page
        assert Invitation.objects.get().teams.get() == vision


class TestRefusals:
    @pytest.mark.parametrize(
        "email",
        [
            "",
            "nobody",
            "a@b",
            "two@example.com, three@example.com",
            "x@example.com\nBcc: y@example.com",
            "a\0@b.com",
            f"{'x' * 250}@example.com",
        ],
    )
    def test_no_address(self, alice_api: Any, path: str, email: str) -> None:
        answer = alice_api.post(path, {"email": email})
        assert (answer.status_code, list(answer.json())) == (400, ["email"])
        assert not Invitation.objects.exists()

    @pytest.mark.parametrize("email", ["alice@example.com", "ALICE@example.com", "alice@second.example.com"])
    def test_oneself(self, alice: User, alice_api: Any, path: str, email: str) -> None:
        factories.make_verified_email(alice, "alice@second.example.com")
        answer = alice_api.post(path, {"email": email})
        assert "your own address" in answer.json()["email"][0]["message"]
        assert not Invitation.objects.exists()

    def test_a_member(self, alice_api: Any, bob: User, path: str) -> None:
        factories.make_verified_email(bob, "robert@example.com")
        answer = alice_api.post(path, {"email": "Robert@example.com"})
        assert "bob, who is a member of acme already" in answer.json()["email"][0]["message"]

    def test_the_same_address_twice(self, alice_api: Any, path: str, acme: Organization) -> None:
        factories.make_invitation(acme, "new@example.com")
        answer = alice_api.post(path, {"email": "NEW@example.com"})
        assert answer.json()["email"][0]["code"] == "pending"
        assert Invitation.objects.count() == 1

    def test_again_after_it_was_cancelled(self, alice_api: Any, path: str, acme: Organization) -> None:
        factories.make_invitation(acme, "new@example.com", cancelled_at=clock.now())
        assert alice_api.post(path, {"email": "new@example.com"}).status_code == 201

    def test_a_role_or_team_that_is_not_of_the_organization(
        self, alice_api: Any, path: str, rival: Organization
    ) -> None:
        theirs = factories.make_team(rival, "theirs")
        for more, field in (
            ({"role": "king"}, "role"),
            ({"teams": [str(theirs.pk)]}, "teams"),
            ({"teams": ["x"]}, "teams"),
        ):
            answer = alice_api.post(path, {"email": "new@example.com", **more})
            assert (answer.status_code, list(answer.json())) == (400, [field])
        assert not Invitation.objects.exists()

    def test_a_flood(self, alice: User, alice_api: Any, path: str, acme: Organization) -> None:
        for number in range(INVITATIONS.per_account):
            invitations.count_letter(alice, f"{number}@example.com")
        answer = alice_api.post(path, {"email": "new@example.com"})
        assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
        assert not Invitation.objects.exists()

    def test_one_person_gets_few_letters_however_they_are_sent(
        self, alice: User, alice_api: Any, path: str, acme: Organization
    ) -> None:
        """Cancelled and sent anew, sent again, or from projects that are deleted afterwards."""
        for _ in range(2):
            sent = alice_api.post(path, {"email": "new@example.com"}).json()
            alice_api.delete(f"{path}{sent['id']}/")
        for _ in range(2):
            project = factories.make_project(acme)
            invite_collaborator(project=project, actor=alice, email="NEW@example.com", link=str)
            project.delete()
        pending = factories.make_invitation(acme, "new@example.com", sent_at=clock.now() - timedelta(days=1))
        assert alice_api.post(f"{path}{pending.pk}/resend/").status_code == 200
        Invitation.objects.update(sent_at=clock.now() - timedelta(days=1))
        assert alice_api.post(f"{path}{pending.pk}/resend/").status_code == 429
        alice_api.delete(f"{path}{pending.pk}/")
        assert alice_api.post(path, {"email": "new@example.com"}).status_code == 429
        assert alice_api.post(path, {"email": "other@example.com"}).status_code == 201

    def test_only_addresses_that_can_have_an_account(self, alice_api: Any, path: str) -> None:
        answer = alice_api.post(path, {"email": "anna@m\u00fcller.example.com"})
        assert (answer.status_code, list(answer.json())) == (400, ["email"])
        assert not Invitation.objects.exists()

    def test_members_do_not_invite_or_look(self, bob: User, path: str, acme: Organization) -> None:
        pending = factories.make_invitation(acme, "new@example.com")
        api = api_of(bob)
        one = f"{path}{pending.pk}/"
        answers = [
            api.get(path),
            api.post(path, {"email": "x@example.com"}),
            api.get(one),
            api.delete(one),
            api.post(f"{one}resend/"),
        ]
        assert {answer.status_code for answer in answers} == {403}
        assert not any(b"new@example.com" in answer.content for answer in answers)

    def test_the_invitation_of_another_organization(
        self, alice_api: Any, path: str, rival: Organization, charlie: User
    ) -> None:
        theirs = factories.make_invitation(rival, "new@example.com")
        for method, tail in (("get", ""), ("delete", ""), ("post", "resend/")):
            assert getattr(alice_api, method)(f"{path}{theirs.pk}/{tail}").status_code == 404
        theirs.refresh_from_db()
        assert theirs.cancelled_at is None


class TestPending:
    def test_they_are_listed_until_they_end(self, alice_api: Any, path: str, acme: Organization) -> None:
        past = clock.now() - timedelta(minutes=1)
        factories.make_invitation(acme, "pending@example.com")
        factories.make_invitation(acme, "expired@example.com", expires_at=past)
        factories.make_invitation(acme, "cancelled@example.com", cancelled_at=past)
        factories.make_invitation(acme, "accepted@example.com", accepted_at=past)
        shown = {row["email"]: row["status"] for row in results(alice_api.get(path))}
        assert shown == {"pending@example.com": "pending", "expired@example.com": "expired"}

    def test_sent_again_with_a_new_link(
        self, alice_api: Any, path: str, acme: Organization, committed: Any, letters: list[EmailMessage]
    ) -> None:
        sent = factories.make_invitation(acme, "new@example.com", expires_at=clock.now() - timedelta(days=1))
        with committed():
            answer = alice_api.post(f"{path}{sent.pk}/resend/")
        assert (answer.status_code, answer.json()["status"]) == (200, "pending")
        assert invitations.find(Invitation, secret_in(letters[0])) == sent
        with pytest.raises(invitations.InvitationGone):
            invitations.find(Invitation, sent.secret)

    def test_not_again_at_once(
        self,
        alice_api: Any,
        alice_browser: Any,
        path: str,
        acme: Organization,
        committed: Any,
        letters: list[EmailMessage],
    ) -> None:
        sent = factories.make_invitation(acme, "new@example.com")
        with committed():
            assert alice_api.post(f"{path}{sent.pk}/resend/").status_code == 200
            assert alice_api.post(f"{path}{sent.pk}/resend/").status_code == 429
            answer = alice_browser.post(f"/organizations/acme/invitations/{sent.pk}/resend/", follow=True)
        assert "Wait 5 minutes" in answer.content.decode()
        assert len(letters) == 1

    def test_cancelled(
        self, alice_api: Any, alice_browser: Any, path: str, acme: Organization, audited: Any
    ) -> None:
        sent = factories.make_invitation(acme, "new@example.com")
        assert alice_api.delete(f"{path}{sent.pk}/").status_code == 204
        assert alice_api.delete(f"{path}{sent.pk}/").status_code == 409
        assert alice_api.post(f"{path}{sent.pk}/resend/").status_code == 409
        alice_browser.post(f"/organizations/acme/invitations/{sent.pk}/cancel/")
        with pytest.raises(invitations.InvitationGone):
            invitations.find(Invitation, sent.secret)
        assert len(audited("invitation.cancelled")) == 1


class TestAcceptedAutomatically:
    @pytest.fixture(autouse=True)
    def _automatically(self, acme: Organization) -> None:
        Organization.objects.filter(pk=acme.pk).update(auto_accept_invitations=True)

    def test_whoever_has_proved_the_address(
        self,
        alice: User,
        alice_api: Any,
        path: str,
        vision: Team,
        charlie: User,
        committed: Any,
        letters: list[EmailMessage],
        audited: Any,
    ) -> None:
        factories.make_verified_email(charlie, "charlie@work.example.com")
        with committed():
            answer = alice_api.post(
                path, {"email": "charlie@work.example.com", "role": "viewer", "teams": [str(vision.pk)]}
            )
        assert answer.json()["status"] == "accepted"
        assert charlie.memberships.get().role == Role.VIEWER
        assert charlie.team_memberships.get().team == vision
        assert "/invitations/" not in letters[0].body
        (row,) = audited("member.added")
        assert row.actor_id == alice.pk

    def test_whoever_proves_it_later(self, alice_api: Any, path: str, charlie: User) -> None:
        email = charlie.email_addresses.create(email="boss@example.com")
        assert alice_api.post(path, {"email": "Boss@example.com"}).json()["status"] == "pending"
        token = signing.dumps([str(email.pk), email.email], salt="accounts.verify-email")
        emails.verify_email(user=charlie, token=token, address="")
        assert charlie.memberships.get().role == Role.MEMBER

    def test_one_that_ends_meanwhile_does_not_hinder_the_proof(
        self, acme: Organization, rival: Organization, charlie: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Organization.objects.update(auto_accept_invitations=True)
        gone = factories.make_invitation(acme, "boss@example.com")
        factories.make_invitation(rival, "boss@example.com")
        real = invitations.locked

        def a_moment_too_late(invitation: Invitation) -> Invitation:
            Invitation.objects.filter(pk=gone.pk).update(cancelled_at=clock.now())
            return real(invitation)

        monkeypatch.setattr(invitations, "locked", a_moment_too_late)
        services.accept_waiting(charlie, "boss@example.com")
        assert charlie.memberships.get().organization == rival

    def test_not_whoever_only_claims_it(self, alice_api: Any, path: str, charlie: User) -> None:
        charlie.email_addresses.create(email="boss@example.com")
        assert alice_api.post(path, {"email": "boss@example.com"}).json()["status"] == "pending"
        assert not charlie.memberships.exists()

    def test_not_a_disabled_account(self, alice_api: Any, path: str, charlie: User) -> None:
        factories.make_verified_email(charlie, "charlie@work.example.com")
        User.objects.filter(pk=charlie.pk).update(is_active=False)
        assert alice_api.post(path, {"email": "charlie@work.example.com"}).json()["status"] == "pending"
