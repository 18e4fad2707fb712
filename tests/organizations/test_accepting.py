"""What the link of an invitation does, for people with an account and without."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent
from common import clock
from organizations import invitations, services
from organizations.models import Invitation, Organization, OrganizationMembership, Team
from tests.conftest import browser_of
from tests.support import factories

pytestmark = pytest.mark.django_db

Role = OrganizationMembership.Role
GOOD_PASSWORD = "a very long pass phrase"


@pytest.fixture
def sent(alice: User, acme: Organization, vision: Team) -> Any:
    invitation = factories.make_invitation(acme, "new@example.com", inviter=alice, role=Role.VIEWER)
    invitation.teams.add(vision)
    return invitation


@pytest.fixture
def path(sent: Any) -> str:
    return f"/invitations/{sent.secret}/"


class TestWithAnAccount:
    def test_looking_changes_nothing(self, charlie_browser: Any, path: str) -> None:
        page = charlie_browser.get(path)
        assert b"Join as charlie" in page.content
        assert b"vision" in page.content
        assert charlie_browser.head(path).status_code == 200
        assert Invitation.objects.get().accepted_at is None
        assert not OrganizationMembership.objects.filter(user__username="charlie").exists()

    def test_confirming_joins(
        self, charlie: User, charlie_browser: Any, path: str, vision: Team, audited: Any
    ) -> None:
        assert charlie_browser.post(path).headers["Location"] == "/"
        assert charlie.memberships.get().role == Role.VIEWER
        assert charlie.team_memberships.get().team == vision
        invitation = Invitation.objects.get()
        assert invitation.accepted_by == charlie
        (row,) = audited("invitation.accepted")
        assert row.after == {"email": "new@example.com", "user": "charlie", "role": "viewer"}
        assert row.actor_id == charlie.pk
        assert b"Welcome to acme" in charlie_browser.get("/").content

    def test_the_link_works_once(self, bob: User, charlie_browser: Any, path: str) -> None:
        charlie_browser.post(path)
        other = browser_of(factories.make_user("other"))
        for answer in (
            charlie_browser.get(path),
            charlie_browser.post(path),
            other.get(path),
            other.post(path),
        ):
            assert answer.status_code == 404
        assert not OrganizationMembership.objects.filter(user__username="other").exists()

    def test_a_member_is_told_and_the_link_stays_good(self, bob: User, path: str) -> None:
        answer = browser_of(bob).post(path)
        assert answer.status_code == 409
        assert b"bob is a member of acme already" in answer.content
        assert bob.memberships.get().role == Role.MEMBER
        assert Invitation.objects.get().accepted_at is None

    def test_a_team_that_is_gone_is_left_out(
        self, charlie: User, charlie_browser: Any, path: str, vision: Team
    ) -> None:
        vision.delete()
        charlie_browser.post(path)
        assert charlie.memberships.exists()
        assert not charlie.team_memberships.exists()

    def test_into_an_organization_that_wants_a_second_factor(
        self, charlie: User, charlie_browser: Any, path: str
    ) -> None:
        Organization.objects.update(require_2fa=True)
        page = charlie_browser.post(path, follow=True).content.decode()
        assert "It needs a second factor" in page
        assert "Welcome to acme" not in page
        assert charlie_browser.get("/organizations/acme/members/").status_code == 404


class TestLinksThatAreNoGood:
    @pytest.mark.parametrize(
        "fault", ["forged", "expired", "cancelled", "used", "replaced", "deleted", "long", "digest"]
    )
    def test_all_look_the_same(
        self, charlie: User, alice: User, charlie_browser: Any, sent: Any, fault: str
    ) -> None:
        past = clock.now() - timedelta(seconds=1)
        secret = sent.secret
        if fault == "forged":
            secret = "0" * 40
        elif fault == "long":
            secret = "x" * 2000
        elif fault == "digest":
            secret = sent.digest
        elif fault == "expired":
            Invitation.objects.update(expires_at=past)
        elif fault == "cancelled":
            Invitation.objects.update(cancelled_at=past)
        elif fault == "used":
            Invitation.objects.update(accepted_at=past)
        elif fault == "replaced":
            services.resend_invitation(invitation=sent, actor=alice, link=str)
        else:
            sent.delete()
        answers = [browser.get(f"/invitations/{secret}/") for browser in (charlie_browser, Client())]
        answers += [charlie_browser.post(f"/invitations/{secret}/")]
        for answer in answers:
            assert answer.status_code == 404
            assert b"This invitation is not valid" in answer.content
            assert b"acme" not in answer.content
        sign_up = Client().post(f"/invitations/{secret}/", {"username": "eve", "password": GOOD_PASSWORD})
        assert sign_up.status_code == 404
        assert not charlie.memberships.exists()
        assert not User.objects.filter(username="eve").exists()


class TestWithoutAnAccount:
    def test_one_is_offered_and_so_is_the_login(self, path: str) -> None:
        page = Client().get(path).content.decode()
        assert "Create account and join" in page
        assert "new@example.com" in page
        assert f"/auth/login/?next={path}" in page

    def test_signing_up_joins_and_signs_in(self, path: str, vision: Team) -> None:
        browser = Client()
        answer = browser.post(
            path, {"username": "nina", "password": GOOD_PASSWORD, "email": "other@example.com"}
        )
        assert answer.headers["Location"] == "/"
        nina = User.objects.get(username="nina")
        assert (nina.email, nina.is_superuser, nina.is_staff) == ("new@example.com", False, False)
        assert nina.memberships.get().role == Role.VIEWER
        assert nina.team_memberships.get().team == vision
        assert browser.get("/organizations/acme/members/").status_code == 200
        assert nina.check_password(GOOD_PASSWORD)

    def test_others_that_accept_automatically_are_joined_too(self, path: str) -> None:
        """The link has proved the address, as the link of any other letter does."""
        for name, automatically in (("eager", True), ("patient", False)):
            organization = factories.make_organization(name)
            Organization.objects.filter(pk=organization.pk).update(auto_accept_invitations=automatically)
            factories.make_invitation(organization, "New@example.com")
        Client().post(path, {"username": "nina", "password": GOOD_PASSWORD})
        joined = OrganizationMembership.objects.filter(user__username="nina")
        assert set(joined.values_list("organization__owner__name", flat=True)) == {"acme", "eager"}

    @pytest.mark.parametrize(
        ("username", "password", "field"),
        [
            ("alice", GOOD_PASSWORD, "username"), ("ACME", GOOD_PASSWORD, "username"), ("a/b", GOOD_PASSWORD, "username"),
            ("", GOOD_PASSWORD, "username"), ("nina", "short", "password"), ("nina", "password123", "password"), ("nina", "", "password"),
        ],
    )  # fmt: skip
    def test_names_and_passwords_that_cannot_be(
        self, path: str, username: str, password: str, field: str
    ) -> None:
        users = User.objects.count()
        answer = Client().post(path, {"username": username, "password": password})
        assert answer.status_code == 200
        assert answer.context["form"].errors[field]
        assert User.objects.count() == users
        assert Invitation.objects.get().accepted_at is None
        assert not AuditEvent.objects.exists()

    def test_an_invitation_that_ends_meanwhile_leaves_no_account_behind(
        self, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = invitations.locked

        def a_moment_too_late(invitation: Invitation) -> Invitation:
            Invitation.objects.update(cancelled_at=clock.now())
            return real(invitation)

        monkeypatch.setattr(invitations, "locked", a_moment_too_late)
        answer = Client().post(path, {"username": "nina", "password": GOOD_PASSWORD})
        assert b"This invitation is not valid" in answer.content
        assert not User.objects.filter(username="nina").exists()
