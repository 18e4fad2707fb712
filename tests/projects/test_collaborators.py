"""Colleagues let into one project, until it ends; and the tab that shows who is in and why."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import EmailAddress, User
from audit.models import AuditEvent
from organizations import services as organization_services
from organizations.access import may
from organizations.models import Organization, OrganizationMembership, Team
from projects import services
from projects.models import Project, ProjectCollaborator, ProjectInvitation
from tests.conftest import api_of, browser_of
from tests.projects.inviting import at
from tests.support import factories
from tests.web.addresses import page

pytestmark = pytest.mark.usefixtures("letters")
Role = OrganizationMembership.Role
FRAGMENT = {"HX-Request": "true"}


class TestColleagues:
    """Members of the organization that owns the project know each other: no letter is needed."""

    @pytest.fixture
    def colleague(self, company: Organization) -> User:
        colleague = factories.make_user("colleague")
        OrganizationMembership.objects.create(organization=company, user=colleague, role=Role.MEMBER)
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
        self, alice: User, ours: Project, company: Organization, colleague: User, project: Project
    ) -> None:
        """There, and nowhere else; a link on the way to them ends as well."""
        factories.make_verified_email(colleague, "colleague@example.com")
        factories.make_collaborator(ours, colleague)
        factories.make_collaborator(project, colleague)
        sent = factories.make_project_invitation(factories.make_project(company), "Colleague@example.com")
        to_others = factories.make_project_invitation(ours, "other@example.com")
        organization_services.remove_member(organization=company, actor=alice, user=colleague)
        assert ProjectCollaborator.objects.get().project == project
        sent.refresh_from_db()
        to_others.refresh_from_db()
        assert sent.cancelled_at
        assert not to_others.cancelled_at
        assert AuditEvent.objects.filter(kind="collaborator.removed", actor_id=alice.pk).count() == 1

    def test_an_address_that_is_only_claimed_ends_no_link_of_others(
        self, alice: User, ours: Project, company: Organization, colleague: User
    ) -> None:
        EmailAddress.objects.create(user=colleague, email="other@example.com")
        sent = factories.make_project_invitation(ours, "other@example.com")
        organization_services.remove_member(organization=company, actor=alice, user=colleague)
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

    def test_adding_a_colleague(self, alice_browser: Client, ours: Project, company: Organization) -> None:
        colleague = factories.make_user("colleague")
        OrganizationMembership.objects.create(organization=company, user=colleague, role=Role.VIEWER)
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
