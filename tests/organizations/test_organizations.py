"""Organizations and teams: members see them, owners decide, the last owner stays."""

from typing import Any

import pytest

from accounts.models import User
from common.errors import DomainError
from organizations import services
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership
from tests.conftest import api_of
from tests.support import factories

pytestmark = pytest.mark.django_db

Role = OrganizationMembership.Role


@pytest.fixture
def member(db: None) -> User:
    return factories.make_user("member")


@pytest.fixture
def acme(alice: User, member: User) -> Organization:
    return factories.make_organization("acme", owners=(alice,), members=(member,))


@pytest.fixture
def vision(acme: Organization, member: User) -> Team:
    return factories.make_team(acme, "vision", members=(member,), is_read_only=True)


def results(answer: Any) -> list[Any]:
    assert answer.status_code == 200
    found: list[Any] = answer.json()["results"]
    return found


class TestReading:
    def test_members_see_theirs(self, member: User, acme: Organization, vision: Team) -> None:
        api = api_of(member)
        (row,) = results(api.get("/api/v0/organizations/"))
        assert (row["id"], row["name"]) == (acme.pk, "acme")
        assert row["url"] == f"http://testserver/api/v0/organizations/{acme.pk}/"
        assert api.get(row["url"]).json() == row
        (team,) = results(api.get("/api/v0/teams/"))
        detail = api.get(team["url"]).json()
        assert detail["organization"] == {"id": acme.pk, "name": "acme", "username": "acme"}
        (shown,) = detail["members"]
        assert shown["user"] == {"id": member.pk, "username": "member"}
        assert (shown["is_read_only"], shown["allow_project_administration"]) == (True, False)
        assert shown["ctime"].endswith("Z")

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


class TestChanging:
    def test_superusers_create_them(self, superuser: User, alice: User) -> None:
        created = services.create_organization(actor=superuser, name="Acme", first_owner=alice)
        assert created.memberships.get().user == alice
        assert created.memberships.get().role == Role.OWNER

    @pytest.mark.parametrize("name", ["ACME", "alice", "", "a b", "a/b", "-a", "x" * 65, "a\n"])
    def test_names_taken_or_impossible(self, superuser: User, acme: Organization, name: str) -> None:
        with pytest.raises(DomainError) as refused:
            services.create_organization(actor=superuser, name=name)
        assert refused.value.field == "name"
        assert Organization.objects.count() == 1

    def test_owners_decide_on_members(self, alice: User, charlie: User, acme: Organization) -> None:
        services.add_member(organization=acme, actor=alice, user=charlie)
        services.add_member(organization=acme, actor=alice, user=charlie, role=Role.OWNER)
        assert acme.memberships.get(user=charlie).role == Role.OWNER

    def test_others_do_not(self, member: User, charlie: User, acme: Organization, vision: Team) -> None:
        for actor in (member, charlie):
            for forbidden in (
                lambda actor: services.add_member(organization=acme, actor=actor, user=charlie),
                lambda actor: services.remove_member(organization=acme, actor=actor, user=member),
                lambda actor: services.create_team(organization=acme, actor=actor, name="x"),
                lambda actor: services.add_team_member(team=vision, actor=actor, user=member),
                lambda actor: services.remove_team_member(team=vision, actor=actor, user=member),
                lambda actor: services.create_organization(actor=actor, name="new"),
            ):
                with pytest.raises(DomainError) as refused:
                    forbidden(actor)
                assert refused.value.http_status == 403
        assert acme.memberships.count() == 2
        assert vision.memberships.get().is_read_only

    def test_the_last_owner_stays(self, alice: User, acme: Organization) -> None:
        for refused in (
            lambda: services.add_member(organization=acme, actor=alice, user=alice, role=Role.MEMBER),
            lambda: services.remove_member(organization=acme, actor=alice, user=alice),
        ):
            with pytest.raises(DomainError, match="only owner"):
                refused()
        assert acme.memberships.get(user=alice).role == Role.OWNER

    def test_who_leaves_leaves_the_teams_too(
        self, alice: User, member: User, acme: Organization, vision: Team
    ) -> None:
        services.remove_member(organization=acme, actor=alice, user=member)
        assert not TeamMembership.objects.filter(user=member).exists()

    def test_teams_take_members_only(self, alice: User, charlie: User, vision: Team) -> None:
        with pytest.raises(DomainError, match="not a member"):
            services.add_team_member(team=vision, actor=alice, user=charlie)
        for name in ("vision", "VISION", "", "a\nb", "x" * 65):
            with pytest.raises(DomainError) as refused:
                services.create_team(organization=vision.organization, actor=alice, name=name)
            assert refused.value.field == "name"
