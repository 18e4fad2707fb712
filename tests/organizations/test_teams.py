"""Teams: owners make them, members of the organization fill them, and a strictly typed client decodes them."""

from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEvent
from organizations.models import Organization, Team, TeamMembership
from tests.conftest import api_of, browser_of
from tests.organizations.conftest import results
from tests.support import factories

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


class TestShapes:
    @pytest.mark.parametrize("reference", ["number", "text", "name", "NAME"])
    def test_a_new_one_is_exactly_this(self, alice_api: Any, acme: Organization, reference: str) -> None:
        named = {"number": acme.pk, "text": str(acme.pk), "name": "acme", "NAME": "ACME"}[reference]
        answer = alice_api.post("/api/v0/teams/", {"name": "vision", "organization": named})
        assert answer.status_code == 201
        team = Team.objects.get()
        assert answer.json() == {
            "id": str(team.pk),
            "name": "vision",
            "url": f"http://testserver/api/v0/teams/{team.pk}/",
            "organization": acme.pk,
        }

    def test_one_shows_members_and_projects(
        self, alice_api: Any, bob: User, acme: Organization, vision: Team
    ) -> None:
        project = factories.make_project(acme, "demo", team=vision)
        factories.make_project(acme, "other")
        shown = alice_api.get(f"/api/v0/teams/{vision.pk}/").json()
        assert shown["organization"] == {"id": acme.pk, "name": "acme", "username": "acme"}
        (member,) = shown["members"]
        assert member["user"] == {"id": bob.pk, "username": "bob"}
        assert (member["allow_project_administration"], member["is_read_only"]) == (False, False)
        assert member["ctime"].endswith("Z")
        (row,) = shown["projects"]
        assert (row["id"], row["name"], row["last_execution_ctime"]) == (str(project.pk), "demo", None)
        assert all(isinstance(row[name], int) for name in row if name.endswith("_count"))
        assert all(isinstance(value, str) for value in row["urls"].values())

    def test_projects_are_those_that_the_caller_sees(
        self, vera: User, acme: Organization, vision: Team
    ) -> None:
        factories.make_project(acme, "demo", team=vision)
        assert api_of(vera).get(f"/api/v0/teams/{vision.pk}/").json()["projects"] == []

    def test_renaming_and_deleting(self, alice_api: Any, vision: Team, audited: Any) -> None:
        path = f"/api/v0/teams/{vision.pk}/"
        answer = alice_api.put(path, {"name": "speech"})
        assert (answer.status_code, answer.json()["id"], answer.json()["name"]) == (
            200,
            str(vision.pk),
            "speech",
        )
        assert alice_api.delete(path).status_code == 204
        assert alice_api.delete(path).status_code == 404
        (renamed,), (deleted,) = audited("team.renamed"), audited("team.deleted")
        assert (renamed.before, renamed.after) == ({"name": "vision"}, {"name": "speech"})
        assert deleted.target_name == "acme:speech"

    def test_a_list_can_be_of_one_organization(self, alice: User, alice_api: Any, vision: Team) -> None:
        other = factories.make_team(factories.make_organization("other", owners=(alice,)))
        assert {row["id"] for row in results(alice_api.get("/api/v0/teams/"))} == {
            str(vision.pk),
            str(other.pk),
        }
        assert [row["id"] for row in results(alice_api.get("/api/v0/teams/?organization=other"))] == [
            str(other.pk)
        ]


class TestRefusals:
    @pytest.mark.parametrize("name", ["vision", "VISION", " vision ", "", "  ", "a\nb", "x" * 65, "a\0b"])
    def test_names(self, alice_api: Any, acme: Organization, vision: Team, name: str) -> None:
        other = factories.make_team(acme, "speech")
        for answer in (
            alice_api.post("/api/v0/teams/", {"name": name, "organization": acme.pk}),
            alice_api.put(f"/api/v0/teams/{other.pk}/", {"name": name}),
        ):
            assert (answer.status_code, list(answer.json())) == (400, ["name"])
        assert sorted(Team.objects.values_list("name", flat=True)) == ["speech", "vision"]
        assert not AuditEvent.objects.exists()

    @pytest.mark.parametrize("reference", ["rival", "nowhere", 10**30, -1, "", "a\0b", True, None, [], {}])
    def test_organizations_that_are_not_there_for_one(
        self, alice_api: Any, acme: Organization, rival: Organization, reference: Any
    ) -> None:
        answer = alice_api.post("/api/v0/teams/", {"name": "x", "organization": reference}, format="json")
        assert (answer.status_code, list(answer.json())) == (400, ["organization"])
        assert not Team.objects.exists()

    def test_members_make_none(self, bob: User, acme: Organization, vision: Team) -> None:
        api = api_of(bob)
        path = f"/api/v0/teams/{vision.pk}/"
        answers = [
            api.post("/api/v0/teams/", {"name": "x", "organization": acme.pk}),
            api.put(path, {"name": "x"}),
            api.delete(path),
            api.post(f"{path}members/", {"user": "vera"}),
            api.patch(f"{path}members/{bob.pk}/", {"allow_project_administration": True}),
            api.delete(f"{path}members/{bob.pk}/"),
        ]
        assert {answer.status_code for answer in answers} == {403}
        assert not TeamMembership.objects.get().allow_project_administration

    @pytest.mark.parametrize("owned", ["project", "environment"])
    def test_a_team_that_owns_something_stays(
        self, alice_api: Any, alice_browser: Any, acme: Organization, vision: Team, owned: str
    ) -> None:
        if owned == "project":
            factories.make_project(acme, "demo", team=vision)
        else:
            factories.make_environment("gpu", owner=acme.owner, team=vision)
        answer = alice_api.delete(f"/api/v0/teams/{vision.pk}/")
        assert answer.status_code == 409
        assert ("acme/demo" if owned == "project" else "gpu") in answer.json()["message"]
        alice_browser.post(f"/organizations/acme/teams/{vision.pk}/delete/")
        assert vision.memberships.count() == 1

    def test_a_team_of_another_organization_is_not_on_ones_page(
        self, alice_browser: Any, acme: Organization, rival: Organization, alice: User
    ) -> None:
        other = factories.make_organization("other", owners=(alice,))
        for team in (factories.make_team(rival), factories.make_team(other)):
            assert alice_browser.get(f"/organizations/acme/teams/{team.pk}/").status_code == 404
            assert alice_browser.post(f"/organizations/acme/teams/{team.pk}/delete/").status_code == 404
        assert Team.objects.count() == 2


class TestMembers:
    def test_come_change_and_go(self, alice_api: Any, vera: User, vision: Team, audited: Any) -> None:
        path = f"/api/v0/teams/{vision.pk}/members/"
        added = alice_api.post(path, {"user": vera.pk, "is_read_only": True})
        assert (added.status_code, added.json()["is_read_only"]) == (201, True)
        changed = alice_api.patch(f"{path}{vera.pk}/", {"allow_project_administration": True})
        assert changed.json().items() >= {"is_read_only": True, "allow_project_administration": True}.items()
        assert len(results(alice_api.get(path))) == 2
        assert alice_api.delete(f"{path}{vera.pk}/").status_code == 204
        assert alice_api.delete(f"{path}{vera.pk}/").status_code == 404
        assert [len(audited(f"team_member.{what}")) for what in ("added", "changed", "removed")] == [1, 1, 1]

    @pytest.mark.parametrize("who", ["charlie", "nobody", "", "a\0b", 10**30])
    def test_are_members_of_the_organization(
        self, alice_api: Any, alice_browser: Any, charlie: User, vision: Team, who: Any
    ) -> None:
        path = f"/api/v0/teams/{vision.pk}/members/"
        answers = [alice_api.post(path, {"user": who}), alice_api.post(path, {"user": charlie.pk})]
        assert all(answer.status_code in (400, 404) for answer in answers)
        page = alice_browser.post(f"/organizations/acme/teams/{vision.pk}/members/", {"username": who})
        assert page.status_code == 200
        assert vision.memberships.count() == 1

    def test_strangers_cannot_be_told_from_nobody(self, alice_api: Any, charlie: User, vision: Team) -> None:
        path = f"/api/v0/teams/{vision.pk}/members/"
        texts = {
            name: alice_api.post(path, {"user": name}).json()["message"] for name in ("charlie", "nobody")
        }
        assert texts["charlie"].replace("charlie", "nobody") == texts["nobody"]

    def test_boxes_of_the_page(
        self, alice_browser: Any, bob: User, vision: Team, notices_for: Any, committed: Any
    ) -> None:
        path = f"/organizations/acme/teams/{vision.pk}/members/{bob.pk}/"
        assert notices_for(bob) == []
        with committed():
            answer = alice_browser.post(path, {"is_read_only": "on"}, headers=HTMX)
        assert b"checked" in answer.content
        membership = vision.memberships.get()
        assert (membership.is_read_only, membership.allow_project_administration) == (True, False)
        assert notices_for(bob) == ["changed"]
        alice_browser.post(f"{path}remove/", headers=HTMX)
        assert not vision.memberships.exists()

    def test_the_page_offers_who_is_not_in_it(self, alice_browser: Any, vision: Team, charlie: User) -> None:
        page = alice_browser.get(f"/organizations/acme/teams/{vision.pk}/").content.decode()
        assert '<option value="vera">' in page
        assert '<option value="bob">' not in page
        assert "charlie" not in page

    def test_members_look_only(self, bob: User, vision: Team) -> None:
        page = browser_of(bob).get(f"/organizations/acme/teams/{vision.pk}/").content.decode()
        assert "hx-post" not in page
        assert "Delete this team" not in page
