"""Organizations themselves: who sees and creates them, their settings, and their end."""

from typing import Any

import pytest
from django.db import models

from accounts.models import ApiToken, Owner, User
from audit.models import AuditEvent
from common.errors import DomainError
from organizations import services
from organizations.models import Organization, OrganizationMembership, Team
from tests.conftest import api_of, browser_of
from tests.organizations.conftest import results
from tests.support import factories

pytestmark = pytest.mark.django_db

Role = OrganizationMembership.Role


class TestReading:
    def test_members_see_theirs(self, bob: User, acme: Organization) -> None:
        api = api_of(bob)
        (row,) = results(api.get("/api/v0/organizations/"))
        assert (row["id"], row["name"], row["username"]) == (acme.pk, "acme", "acme")
        assert row["url"] == f"http://testserver/api/v0/organizations/{acme.pk}/"
        detail = api.get(row["url"]).json()
        assert detail.items() >= row.items()
        assert (detail["require_2fa"], detail["max_token_lifetime_days"]) == (False, None)

    def test_strangers_do_not(self, charlie_api: Any, acme: Organization, vision: Team) -> None:
        assert results(charlie_api.get("/api/v0/organizations/")) == []
        assert results(charlie_api.get("/api/v0/teams/")) == []
        assert charlie_api.get(f"/api/v0/organizations/{acme.pk}/").status_code == 404
        assert charlie_api.get(f"/api/v0/organizations/{10**30}/").status_code == 404
        assert charlie_api.get(f"/api/v0/teams/{vision.pk}/").status_code == 404

    def test_superusers_see_all(self, superuser_api: Any, vision: Team) -> None:
        assert len(results(superuser_api.get("/api/v0/organizations/"))) == 1
        assert superuser_api.get(f"/api/v0/teams/{vision.pk}/").status_code == 200

    def test_anonymous_is_asked_who_they_are(self, anonymous_api: Any) -> None:
        for path in ("organizations", "teams"):
            assert anonymous_api.get(f"/api/v0/{path}/").status_code == 401


class TestCreating:
    def test_whoever_creates_one_owns_it(self, charlie: User, charlie_api: Any, audited: Any) -> None:
        answer = charlie_api.post("/api/v0/organizations/", {"name": "Fresh"})
        assert answer.status_code == 201
        assert answer.json()["name"] == "Fresh"
        membership = OrganizationMembership.objects.get(organization_id=answer.json()["id"])
        assert (membership.user, membership.role) == (charlie, Role.OWNER)
        (row,) = audited("organization.created")
        assert (row.actor_id, row.target_name, row.owner_ids) == (charlie.pk, "Fresh", [answer.json()["id"]])

    def test_superusers_create_them_for_others(self, superuser: User, alice: User) -> None:
        created = services.create_organization(actor=superuser, name="Acme", first_owner=alice)
        assert created.memberships.get().user == alice

    def test_others_create_none_for_others(self, alice: User, charlie: User) -> None:
        with pytest.raises(DomainError) as refused:
            services.create_organization(actor=charlie, name="Acme", first_owner=alice)
        assert refused.value.http_status == 403
        assert not Organization.objects.exists()

    def test_the_operator_may_leave_it_to_superusers(
        self, settings: Any, charlie_api: Any, charlie_browser: Any, superuser_api: Any
    ) -> None:
        settings.ORGANIZATION_CREATION = "superusers"
        assert charlie_api.post("/api/v0/organizations/", {"name": "Fresh"}).status_code == 403
        assert b"Superusers create organizations here" in charlie_browser.get("/create-organization/").content
        assert b'href="/create-organization/"' not in charlie_browser.get("/").content
        assert not Organization.objects.exists()
        assert superuser_api.post("/api/v0/organizations/", {"name": "Fresh"}).status_code == 201

    @pytest.mark.parametrize(
        "name", ["ACME", "alice", "", "a b", "a/b", "-a", "x" * 65, "a\nb", "a\u0430cme"]
    )
    def test_names_taken_or_impossible(self, charlie_api: Any, acme: Organization, name: str) -> None:
        answer = charlie_api.post("/api/v0/organizations/", {"name": name})
        assert answer.status_code == 400
        assert list(answer.json()) == ["name"]
        assert (Organization.objects.count(), AuditEvent.objects.count()) == (1, 0)

    def test_in_the_browser(self, charlie_browser: Any) -> None:
        refused = charlie_browser.post("/create-organization/", {"name": "charlie"})
        assert b"exists already" in refused.content
        answer = charlie_browser.post("/create-organization/", {"name": "fresh"})
        assert answer.headers["Location"] == "/organizations/fresh/invitations/"


class TestSettings:
    @pytest.fixture
    def path(self, acme: Organization) -> str:
        return f"/api/v0/organizations/{acme.pk}/"

    def test_an_owner_changes_some(self, alice_api: Any, acme: Organization, path: str, audited: Any) -> None:
        changes = {
            "forbid_personal_projects": True,
            "max_token_lifetime_days": 30,
            "default_debug_port": 5678,
        }
        answer = alice_api.patch(path, changes)
        assert answer.status_code == 200
        assert answer.json().items() >= changes.items()
        (row,) = audited("organization.settings_changed")
        assert row.before == {
            "forbid_personal_projects": False, "max_token_lifetime_days": None, "default_debug_port": None,
        }  # fmt: skip
        assert row.after == changes
        assert alice_api.patch(path, changes).status_code == 200
        assert len(audited("organization.settings_changed")) == 1

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("default_debug_port", 1023), ("default_debug_port", 65536), ("default_debug_port", "x"),
            ("max_token_lifetime_days", 0), ("max_token_lifetime_days", -1), ("max_token_lifetime_days", 10**9),
            ("default_store", "no-id"), ("default_environment", "x" * 129), ("require_2fa", "perhaps"),
        ],
    )  # fmt: skip
    def test_what_cannot_be(
        self, alice_api: Any, path: str, acme: Organization, field: str, value: Any
    ) -> None:
        answer = alice_api.patch(path, {field: value, "forbid_public_stores": True})
        assert answer.status_code == 400
        assert not Organization.objects.get().forbid_public_stores
        assert not AuditEvent.objects.exists()

    def test_the_operator_may_leave_automatic_acceptance_to_superusers(
        self, settings: Any, alice_api: Any, superuser_api: Any, path: str, acme: Organization
    ) -> None:
        """It tells an owner who has an account."""
        settings.AUTOMATIC_ACCEPTANCE = "superusers"
        refused = alice_api.patch(path, {"auto_accept_invitations": True})
        assert (refused.status_code, list(refused.json())) == (400, ["auto_accept_invitations"])
        assert not Organization.objects.get().auto_accept_invitations
        assert superuser_api.patch(path, {"auto_accept_invitations": True}).status_code == 200
        assert (
            alice_api.patch(path, {"auto_accept_invitations": True, "require_2fa": False}).status_code == 200
        )
        assert alice_api.patch(path, {"auto_accept_invitations": False}).status_code == 200

    def test_members_change_none(self, bob: User, path: str) -> None:
        assert api_of(bob).patch(path, {"forbid_public_stores": True}).status_code == 403
        assert not Organization.objects.get().forbid_public_stores

    def test_higher_apps_are_asked_first(
        self, alice_api: Any, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(organization: Organization, changes: dict[str, Any]) -> None:
            if changes.get("default_environment_slug") == "gone":
                raise DomainError("There is no environment 'gone'.", field="default_environment")

        monkeypatch.setattr(services.organizations, "settings_checks", [refuse])
        assert list(alice_api.patch(path, {"default_environment": "gone"}).json()) == ["default_environment"]
        assert alice_api.patch(path, {"default_environment": "there"}).status_code == 200

    def test_nobody_locks_themself_out(self, alice: User, alice_api: Any, path: str) -> None:
        answer = alice_api.patch(path, {"require_2fa": True})
        assert (answer.status_code, answer.json()["require_2fa"][0]["code"]) == (400, "second_factor_missing")
        assert not Organization.objects.get().require_2fa
        factories.make_second_factor(alice)
        assert alice_api.patch(path, {"require_2fa": True}).status_code == 200

    def test_who_lacks_a_second_factor_is_shut_out_at_once(
        self, alice: User, alice_api: Any, bob: User, path: str, committed: Any, notices_for: Any
    ) -> None:
        factories.make_second_factor(alice)
        assert notices_for(bob) == []
        assert notices_for(alice) == []
        with committed():
            assert alice_api.patch(path, {"require_2fa": True}).status_code == 200
        assert api_of(bob).get(path).status_code == 404
        assert (notices_for(bob), notices_for(alice)) == (["changed"], [])

    def test_a_superuser_from_outside_needs_none(self, superuser_api: Any, path: str) -> None:
        assert superuser_api.patch(path, {"require_2fa": True}).status_code == 200

    def test_in_the_browser(self, alice_browser: Any, acme: Organization) -> None:
        form = {"default_environment_slug": "", "default_store_id": "", "default_debug_port": "80"}
        refused = alice_browser.post("/organizations/acme/settings/", form)
        assert b"greater than or equal to 1024" in refused.content
        form |= {"default_debug_port": "8080", "auto_accept_invitations": "on"}
        assert alice_browser.post("/organizations/acme/settings/", form).status_code == 302
        acme.refresh_from_db()
        assert (acme.default_debug_port, acme.auto_accept_invitations) == (8080, True)


class TestDeleting:
    def test_one_that_owns_nothing_goes(
        self, alice: User, alice_api: Any, acme: Organization, vision: Team, audited: Any
    ) -> None:
        factories.make_invitation(acme, inviter=alice)
        assert alice_api.delete(f"/api/v0/organizations/{acme.pk}/").status_code == 204
        assert not Organization.objects.exists()
        assert not Owner.objects.filter(name="acme").exists()
        assert alice_api.get(f"/api/v0/organizations/{acme.pk}/").status_code == 404
        (row,) = audited("organization.deleted")
        assert row.owner_ids == [acme.pk]

    @pytest.mark.parametrize("owned", ["project", "project of a team", "environment", "store"])
    def test_one_that_owns_something_stays(
        self, alice_api: Any, acme: Organization, vision: Team, owned: str
    ) -> None:
        if owned == "environment":
            factories.make_environment("gpu", owner=acme.owner)
        elif owned == "store":
            factories.make_store(name="bucket", is_default=False, owner=acme.owner)
        else:
            factories.make_project(acme, "demo", team=vision if "team" in owned else None)
        answer = alice_api.delete(f"/api/v0/organizations/{acme.pk}/")
        name = {"environment": "gpu", "store": "bucket"}.get(owned, "acme/demo")
        assert answer.status_code == 409
        assert name in answer.json()["message"]
        assert Team.objects.filter(pk=vision.pk).exists()
        assert not AuditEvent.objects.exists()

    def test_members_do_not(self, bob: User, acme: Organization) -> None:
        assert api_of(bob).delete(f"/api/v0/organizations/{acme.pk}/").status_code == 403
        assert Organization.objects.exists()

    def test_the_browser_asks_for_the_name(self, alice_browser: Any, acme: Organization) -> None:
        alice_browser.post("/organizations/acme/delete/", {"confirm": "acm"})
        assert Organization.objects.exists()
        alice_browser.post("/organizations/acme/delete/", {"confirm": "acme"})
        assert not Organization.objects.exists()

    def test_every_owned_thing_is_protected(self) -> None:
        """A new kind of thing that belongs to owners must not vanish with one."""
        harmless = {"organization", "user", "+"}
        for relation in Owner._meta.related_objects:
            if relation.related_model is ApiToken or relation.get_accessor_name() in harmless:
                continue
            if relation.related_model.__name__ == "FormerAddress":
                continue  # an address of a project that is elsewhere now
            assert relation.on_delete is models.PROTECT, relation


class TestContext:
    def test_the_menu_lists_what_one_belongs_to(
        self, bob: User, alice_browser: Any, acme: Organization, rival: Organization
    ) -> None:
        content = alice_browser.get("/").content.decode()
        assert f'name="owner" value="{acme.pk}"' in content
        assert "rival" not in content

    def test_home_shows_the_chosen_context(self, alice: User, alice_browser: Any, acme: Organization) -> None:
        factories.make_project(alice, "mine")
        factories.make_project(acme, "ours")

        def shown() -> set[str]:
            content = alice_browser.get("/").content.decode()
            return {name for name in ("mine", "ours") if f"/{name}/" in content}

        assert shown() == {"mine", "ours"}
        for owner, expected in ((acme.pk, {"ours"}), (alice.pk, {"mine"}), ("", {"mine", "ours"})):
            assert alice_browser.post("/context/", {"owner": owner}).headers["Location"] == "/"
            assert shown() == expected

    def test_the_create_form_prefers_it(self, alice_browser: Any, acme: Organization) -> None:
        alice_browser.post("/context/", {"owner": acme.pk})
        assert '<option value="acme" selected>' in alice_browser.get("/projects/create/").content.decode()

    @pytest.mark.parametrize("owner", ["rival", "alice", "nonsense", "9" * 30, "-1"])
    def test_what_is_not_ones_own_means_everything(
        self, alice: User, bob: User, acme: Organization, rival: Organization, owner: str
    ) -> None:
        browser = browser_of(bob)
        factories.make_project(bob, "mine")
        value = {"rival": rival.pk, "alice": alice.pk}.get(owner, owner)
        browser.post("/context/", {"owner": value})
        assert browser.session.get("context_owner") is None
        content = browser.get("/").content.decode()
        assert "/mine/" in content
        assert "rival" not in content

    def test_it_ends_with_the_membership(self, bob: User, acme: Organization) -> None:
        browser = browser_of(bob)
        browser.post("/context/", {"owner": acme.pk})
        bob.memberships.all().delete()
        assert "acme" not in browser.get("/").content.decode()

    def test_an_organization_that_wants_a_second_factor_says_so(self, bob: User, acme: Organization) -> None:
        Organization.objects.update(require_2fa=True)
        content = browser_of(bob).get("/").content.decode()
        assert "acme needs a second factor of you" in content
        factories.make_second_factor(bob)
        assert "needs a second factor" not in browser_of(bob).get("/").content.decode()
