"""Members: owners change roles and remove, everybody may leave, an owner always stays, and it takes effect at once."""

from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEvent
from common import clock
from common.errors import DomainError
from organizations import services
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership
from tests.conftest import api_of, browser_of
from tests.organizations.conftest import results
from tests.support import factories

pytestmark = pytest.mark.django_db

Role = OrganizationMembership.Role


def role_of(user: User) -> str:
    return str(user.memberships.get().role)


class TestReading:
    def test_members_see_who_is_there(self, bob: User, acme: Organization, vision: Team) -> None:
        rows = {
            row["user"]["username"]: row
            for row in results(api_of(bob).get(f"/api/v0/organizations/{acme.pk}/members/"))
        }
        assert set(rows) == {"alice", "bob", "vera"}
        assert rows["vera"]["role"] == "viewer"
        assert rows["bob"]["teams"] == [{"id": str(vision.pk), "name": "vision"}]
        assert {(row["email"], row["last_active_at"], row["has_2fa"]) for row in rows.values()} == {
            (None,) * 3
        }

    def test_owners_see_more(self, bob: User, alice_api: Any, alice_browser: Any, acme: Organization) -> None:
        factories.make_second_factor(bob)
        User.objects.filter(pk=bob.pk).update(last_active_at=clock.now())
        rows = {
            row["user"]["username"]: row
            for row in results(alice_api.get(f"/api/v0/organizations/{acme.pk}/members/"))
        }
        assert (rows["bob"]["email"], rows["bob"]["has_2fa"], rows["vera"]["has_2fa"]) == (
            "bob@example.com",
            True,
            False,
        )
        assert rows["bob"]["last_active_at"].endswith("Z")
        assert rows["vera"]["last_active_at"] is None
        page = alice_browser.get("/organizations/acme/members/").content.decode()
        assert "bob@example.com" in page

    def test_addresses_are_for_owners(self, bob: User, acme: Organization) -> None:
        page = browser_of(bob).get("/organizations/acme/members/?search=alice@").content.decode()
        assert "No member matches" in page
        assert "alice@example.com" not in browser_of(bob).get("/organizations/acme/members/").content.decode()

    def test_queries_do_not_grow(
        self, alice_api: Any, acme: Organization, vision: Team, django_assert_num_queries: Any
    ) -> None:
        path = f"/api/v0/organizations/{acme.pk}/members/"
        with django_assert_num_queries(5):
            alice_api.get(path)
        for _ in range(5):
            user = factories.make_user()
            OrganizationMembership.objects.create(organization=acme, user=user)
            TeamMembership.objects.create(team=vision, user=user)
        with django_assert_num_queries(5):
            assert len(results(alice_api.get(path))) == 8


class TestRoles:
    def test_an_owner_changes_them(self, alice_api: Any, bob: User, acme: Organization, audited: Any) -> None:
        answer = alice_api.patch(f"/api/v0/organizations/{acme.pk}/members/{bob.pk}/", {"role": "viewer"})
        assert (answer.status_code, answer.json()["role"]) == (200, "viewer")
        (row,) = audited("member.role_changed")
        assert (row.before, row.after) == ({"role": "member"}, {"role": "viewer"})
        assert row.owner_ids == sorted([acme.pk, bob.pk])

    def test_in_the_browser(self, alice_browser: Any, bob: User, acme: Organization) -> None:
        answer = alice_browser.post(
            f"/organizations/acme/members/{bob.pk}/role/", {"role": "owner"}, headers={"HX-Request": "true"}
        )
        assert "bob is an owner now" in answer.headers["HX-Trigger"]
        assert role_of(bob) == Role.OWNER

    @pytest.mark.parametrize("role", ["", "admin", "OWNER", "x" * 5000])
    def test_there_are_three(
        self, alice_api: Any, alice_browser: Any, bob: User, acme: Organization, role: str
    ) -> None:
        answer = alice_api.patch(f"/api/v0/organizations/{acme.pk}/members/{bob.pk}/", {"role": role})
        assert (answer.status_code, list(answer.json())) == (400, ["role"])
        page = alice_browser.post(
            f"/organizations/acme/members/{bob.pk}/role/", {"role": role}, headers={"HX-Request": "true"}
        )
        assert '"kind": "error"' in page.headers["HX-Trigger"]
        assert role_of(bob) == Role.MEMBER

    def test_members_change_none(self, bob: User, vera: User, acme: Organization, charlie: User) -> None:
        path = f"/api/v0/organizations/{acme.pk}/members"
        assert api_of(bob).patch(f"{path}/{bob.pk}/", {"role": "owner"}).status_code == 403
        assert api_of(bob).delete(f"{path}/{vera.pk}/").status_code == 403
        assert api_of(charlie).patch(f"{path}/{bob.pk}/", {"role": "owner"}).status_code == 404
        assert (role_of(bob), role_of(vera)) == (Role.MEMBER, Role.VIEWER)
        assert not AuditEvent.objects.exists()

    def test_of_another_organization_nobody(
        self, alice_api: Any, charlie: User, acme: Organization, rival: Organization
    ) -> None:
        for path in (f"{acme.pk}/members/{charlie.pk}", f"{rival.pk}/members/{charlie.pk}"):
            assert alice_api.patch(f"/api/v0/organizations/{path}/", {"role": "viewer"}).status_code == 404
            assert alice_api.delete(f"/api/v0/organizations/{path}/").status_code == 404
        assert role_of(charlie) == Role.OWNER


class TestAddingDirectly:
    """As the administration site does."""

    def test_owners_do(self, alice: User, charlie: User, acme: Organization, audited: Any) -> None:
        services.add_member(organization=acme, actor=alice, user=charlie)
        services.add_member(organization=acme, actor=alice, user=charlie, role=Role.OWNER)
        assert role_of(charlie) == Role.OWNER
        assert (len(audited("member.added")), len(audited("member.role_changed"))) == (1, 1)

    def test_others_do_not(self, bob: User, charlie: User, acme: Organization) -> None:
        for actor in (bob, charlie):
            with pytest.raises(DomainError) as refused:
                services.add_member(organization=acme, actor=actor, user=charlie)
            assert refused.value.http_status == 403
        assert acme.memberships.count() == 3


class TestTheLastOwner:
    def test_stays(self, alice: User, alice_api: Any, alice_browser: Any, acme: Organization) -> None:
        path = f"/api/v0/organizations/{acme.pk}/members/{alice.pk}/"
        for answer in (alice_api.patch(path, {"role": "member"}), alice_api.delete(path)):
            assert answer.status_code == 400
            assert "only owner" in answer.json()["user"][0]["message"]
        alice_browser.post("/organizations/", {"leave": "acme"})
        assert role_of(alice) == Role.OWNER
        assert not AuditEvent.objects.exists()

    def test_a_disabled_account_is_no_owner_to_count_on(
        self, alice: User, bob: User, acme: Organization
    ) -> None:
        bob.memberships.update(role=Role.OWNER)
        User.objects.filter(pk=bob.pk).update(is_active=False)
        with pytest.raises(DomainError, match="only owner"):
            services.leave(organization=acme, user=alice)

    def test_may_go_when_there_is_another(
        self, alice: User, alice_api: Any, bob: User, acme: Organization
    ) -> None:
        bob.memberships.update(role=Role.OWNER)
        assert alice_api.delete(f"/api/v0/organizations/{acme.pk}/members/{alice.pk}/").status_code == 204
        assert not alice.memberships.exists()


class TestLeaving:
    def test_ends_everything_at_once_and_runs_stay(
        self,
        alice: User,
        bob: User,
        acme: Organization,
        vision: Team,
        audited: Any,
        committed: Any,
        notices_for: Any,
    ) -> None:
        project = factories.make_project(acme, "demo", team=vision, creator=bob)
        execution = factories.make_execution(project, creator=bob)
        api = api_of(bob)
        assert api.get(f"/api/v0/executions/{execution.pk}/").status_code == 200
        assert notices_for(bob) == []
        with committed():
            services.remove_member(organization=acme, actor=alice, user=bob)
        assert notices_for(bob) == ["changed"]
        for path in (
            f"executions/{execution.pk}",
            f"projects/{project.pk}",
            f"organizations/{acme.pk}",
            f"teams/{vision.pk}",
        ):
            assert api.get(f"/api/v0/{path}/").status_code == 404
        assert not TeamMembership.objects.filter(user=bob).exists()
        execution.refresh_from_db()
        assert execution.creator == bob
        (row,) = audited("member.removed")
        assert row.before == {"role": "member", "teams": ["vision"]}

    def test_higher_apps_are_told_inside_the_transaction(
        self, alice: User, bob: User, acme: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = []

        def end(organization: Organization, user: User, actor: User) -> None:
            told.append((organization, user, actor))
            raise RuntimeError

        monkeypatch.setattr(services.members, "member_removed", [end])
        with pytest.raises(RuntimeError):
            services.remove_member(organization=acme, actor=alice, user=bob)
        assert told == [(acme, bob, alice)]
        assert bob.memberships.exists()

    def test_needs_no_right(self, vera: User, acme: Organization, audited: Any) -> None:
        assert api_of(vera).delete(f"/api/v0/organizations/{acme.pk}/members/{vera.pk}/").status_code == 204
        assert len(audited("member.left")) == 1

    def test_works_from_an_organization_that_is_shut(self, bob: User, acme: Organization) -> None:
        Organization.objects.update(require_2fa=True)
        browser = browser_of(bob)
        assert b"needs a second factor" in browser.get("/organizations/").content
        browser.post("/organizations/", {"leave": "acme"})
        assert not bob.memberships.exists()

    def test_what_one_is_not_in_does_not_exist(self, charlie_browser: Any, acme: Organization) -> None:
        unknown = charlie_browser.post("/organizations/", {"leave": "nothing"}, follow=True).content
        answer = charlie_browser.post("/organizations/", {"leave": "acme"}, follow=True).content
        assert b"Organization acme does not exist" in answer
        assert b"Organization nothing does not exist" in unknown
        assert acme.memberships.count() == 3
