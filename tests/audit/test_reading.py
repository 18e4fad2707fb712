"""Who reads which rows, how they are found, and what of them is told to whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEvent
from audit.services import record
from audit.types import Position
from common import clock
from organizations.models import Organization, OrganizationMembership
from projects.models import Project
from tests.audit.conftest import Write
from tests.conftest import api_of, browser_of
from tests.support import factories

pytestmark = pytest.mark.django_db

PATH = "/api/v0/audit-events/"


def names(api: Any, query: str = "", path: str = PATH) -> list[str]:
    answer = api.get(path + query)
    assert answer.status_code == 200, answer.content
    return [row["target"]["name"] for row in answer.json()["results"]]


@pytest.fixture
def rows(
    write: Write, alice: User, bob: User, charlie: User, acme: Organization, rival: Organization
) -> dict[str, AuditEvent]:
    demo = factories.make_project(acme, "demo")
    private = factories.make_project(bob, "private")
    return {
        "acme": write("organization.settings_changed", acme, actor=alice, name="row-acme"),
        "bob in acme": write("member.added", acme, bob, actor=alice, name="row-membership"),
        "demo": write("project.renamed", actor=bob, project=demo, name="row-demo"),
        "private": write("project.created", actor=bob, project=private, name="row-private"),
        "bob": write("token.created", bob, actor=bob, name="row-token"),
        "rival": write("team.created", rival, actor=charlie, name="row-rival"),
        "nobody": write("environment.changed", name="row-nobody"),
    }


class TestWho:
    def test_everybody_reads_about_their_own_account(self, bob: User, rows: Any) -> None:
        assert names(api_of(bob)) == ["row-token", "row-private", "row-membership"]

    def test_owners_of_an_organization_read_about_it(
        self, alice_api: Any, acme: Organization, rows: Any
    ) -> None:
        expected = ["row-demo", "row-membership", "row-acme"]
        assert names(alice_api) == expected
        assert (
            names(alice_api, "?organization=acme") == names(alice_api, f"?organization={acme.pk}") == expected
        )

    def test_superusers_read_all(self, superuser_api: Any, rows: Any) -> None:
        assert len(names(superuser_api)) == 7

    def test_members_do_not_read_about_the_organization(self, bob: User, rows: Any) -> None:
        assert api_of(bob).get(f"{PATH}?organization=acme").status_code == 403
        for page in ("", "csv/"):
            assert browser_of(bob).get(f"/organizations/acme/audit/{page}").status_code == 403

    def test_to_strangers_nothing_is_there(
        self, charlie: User, charlie_api: Any, acme: Organization, rows: Any
    ) -> None:
        assert names(charlie_api) == ["row-rival"]
        demo = Project.objects.get(name="demo")
        for query in (
            "?organization=acme",
            f"?organization={acme.pk}",
            f"?project={demo.pk}",
            "?organization=nothing",
        ):
            assert charlie_api.get(PATH + query).status_code == 404
            assert charlie_api.get(f"{PATH}csv/{query}").status_code == 404
        for query in ("?actor=bob", "?kind=project", "?search=row-demo", f"?actor={acme.pk}"):
            assert "row-demo" not in names(charlie_api, query)
        browser = browser_of(charlie)
        assert browser.get("/organizations/acme/audit/").status_code == 404
        assert browser.get("/p/acme/demo/settings/audit/").status_code == 404

    def test_who_was_removed_reads_no_more_of_it(
        self, alice: User, bob: User, alice_api: Any, rows: Any
    ) -> None:
        bob.memberships.update(role=OrganizationMembership.Role.OWNER)
        assert "row-acme" in names(api_of(bob))
        bob.memberships.all().delete()
        assert names(api_of(bob)) == ["row-token", "row-private", "row-membership"]

    def test_who_lacks_the_second_factor_reads_nothing_of_it(self, alice_api: Any, rows: Any) -> None:
        Organization.objects.update(require_2fa=True)
        assert names(alice_api) == []
        assert alice_api.get(f"{PATH}?organization=acme").status_code == 404


class TestProjects:
    @pytest.fixture
    def demo(self, rows: Any) -> Project:
        return Project.objects.get(name="demo")

    def test_administrators_read_theirs(self, acme: Organization, demo: Project) -> None:
        admin = factories.make_user("admin")
        OrganizationMembership.objects.create(organization=acme, user=admin)
        team = factories.make_team(acme, members=(admin,), allow_project_administration=True)
        assert api_of(admin).get(f"{PATH}?project={demo.pk}").status_code == 403
        Project.objects.filter(pk=demo.pk).update(team=team)
        assert names(api_of(admin), f"?project={demo.pk}") == ["row-demo"]
        page = browser_of(admin).get("/p/acme/demo/settings/audit/").content.decode()
        assert "row-demo" in page
        assert "row-acme" not in page
        assert "row-demo" in body_of(browser_of(admin).get("/p/acme/demo/settings/audit/csv/"))

    def test_others_in_the_project_do_not(self, bob: User, demo: Project) -> None:
        assert api_of(bob).get(f"{PATH}?project={demo.pk}").status_code == 403
        assert browser_of(bob).get("/p/acme/demo/settings/audit/csv/").status_code == 403

    def test_project_and_organization_together(self, alice_api: Any, demo: Project) -> None:
        assert names(alice_api, f"?organization=acme&project={demo.pk}") == ["row-demo"]


class TestSource:
    """Addresses and programs of others are for owners of the organization."""

    def sources(self, api: Any, query: str = "") -> dict[str, Any]:
        return {row["target"]["name"]: row["source"] for row in api.get(PATH + query).json()["results"]}

    def test_owners_are_told(self, alice_api: Any, rows: Any) -> None:
        expected = {"ip_address": "192.0.2.77", "user_agent": "secret-browser/1", "token_hint": ""}
        assert set(map(str, self.sources(alice_api).values())) == {str(expected)}

    def test_others_are_told_their_own_only(self, bob: User, rows: Any) -> None:
        seen = self.sources(api_of(bob))
        assert seen["row-membership"] is None
        assert seen["row-token"]["ip_address"] == "192.0.2.77"
        page = browser_of(bob).get("/activity/?kind=member").content.decode()
        assert "row-membership" in page
        assert "192.0.2.77" not in page
        assert "192.0.2.77" not in body_of(browser_of(bob).get("/activity/csv/?kind=member"))


class TestFilter:
    def test_by_kind_actor_and_words(self, superuser_api: Any, bob: User, rows: Any) -> None:
        assert names(superuser_api, "?kind=project.renamed") == ["row-demo"]
        assert names(superuser_api, "?kind=project") == ["row-private", "row-demo"]
        assert names(superuser_api, "?actor=BOB") == names(superuser_api, f"?actor={bob.pk}")
        assert names(superuser_api, "?actor=bob&kind=token") == ["row-token"]
        assert names(superuser_api, "?search=acme demo") == ["row-demo"]
        assert names(superuser_api, "?search=nothing") == []

    def test_by_days_and_moments(self, superuser_api: Any, write: Write) -> None:
        for day in (1, 2, 3):
            write(name=f"day {day}", moment=datetime(2026, 3, day, 12, tzinfo=UTC))
        assert names(superuser_api, "?from=2026-03-02") == ["day 3", "day 2"]
        assert names(superuser_api, "?to=2026-03-02") == ["day 2", "day 1"]
        assert names(superuser_api, "?from=2026-03-02&to=2026-03-02") == ["day 2"]
        assert names(superuser_api, "?from=2026-03-02T12:00:01Z") == ["day 3"]
        assert names(superuser_api, "?to=2026-03-02T12:00:00Z") == ["day 1"]
        assert names(superuser_api, "?to=2026-03-02T14:00:01%2B02:00") == ["day 2", "day 1"]

    @pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "2026-13-01", "9999-12-31T99:00", "2026"])
    def test_what_is_no_day(self, superuser_api: Any, superuser: User, text: str) -> None:
        for name in ("from", "to"):
            answer = superuser_api.get(PATH, {name: text})
            assert (answer.status_code, list(answer.json())) == (400, [name])
        assert browser_of(superuser).get("/activity/", {"since": text, "until": text}).status_code == 200

    def test_a_day_without_a_next_one(
        self, superuser_api: Any, alice_browser: Any, acme: Organization
    ) -> None:
        assert superuser_api.get(f"{PATH}?to=9999-12-31").status_code == 400
        assert alice_browser.get("/organizations/acme/audit/?until=9999-12-31").status_code == 200

    @pytest.mark.parametrize(
        "query",
        [
            "actor=%00",
            "kind=%00",
            "search=%00%00",
            "before=nonsense",
            "before=2026-01-01_x",
            "limit=-1",
            "limit=x",
            f"limit={'9' * 5000}",
            f"actor={'9' * 40}",
        ],
    )
    def test_nonsense_breaks_nothing(self, alice_api: Any, alice_browser: Any, rows: Any, query: str) -> None:
        assert alice_api.get(f"{PATH}?{query}").status_code == 200
        assert alice_browser.get(f"/organizations/acme/audit/?{query}").status_code == 200
        assert (
            alice_browser.get("/organizations/acme/audit/?project=%00&text=%00&kind=nothing").status_code
            == 200
        )

    def test_the_page_offers_what_there_is(self, alice_browser: Any, rows: Any) -> None:
        page = alice_browser.get("/organizations/acme/audit/").content.decode()
        assert '<option value="project.renamed">' in page
        assert '<option value="acme/demo">' in page
        filtered = alice_browser.get("/organizations/acme/audit/?project=acme/demo").content.decode()
        assert "row-demo" in filtered
        assert "row-acme" not in filtered

    def test_the_page_does_not_offer_what_others_do(
        self, alice_browser: Any, charlie_browser: Any, charlie: User, rows: Any
    ) -> None:
        record("user.signed_in", actor=charlie, target=charlie)
        page = charlie_browser.get("/activity/").content.decode()
        assert '<option value="user.signed_in">' in page
        assert "project.renamed" not in page
        asked = charlie_browser.get("/activity/?kind=project.renamed")
        assert asked.context["audit_form"]["kind"].value() == "project.renamed"
        assert asked.context["audit_rows"] == []


class TestPages:
    def test_rows_of_one_moment_are_neither_lost_nor_repeated(self, superuser_api: Any, write: Write) -> None:
        moment = clock.now() - timedelta(hours=1)
        for number in range(7):
            write(name=f"row {number}", moment=moment)
        seen: list[str] = []
        following = f"http://testserver{PATH}?limit=3&kind=thing"
        while following:
            answer = superuser_api.get(following).json()
            assert (answer["count"], answer["previous"]) == (None, None)
            seen += [row["target"]["name"] for row in answer["results"]]
            following = answer["next"]
            write(name="newer")  # whatever is written meanwhile shifts nothing
        assert sorted(seen) == [f"row {number}" for number in range(7)]

    def test_the_page_goes_on_and_back(
        self, alice: User, alice_browser: Any, acme: Organization, write: Write
    ) -> None:
        for number in range(60):
            write("thing.changed", acme, actor=alice, name=f"row-{number:02}")
        first = alice_browser.get("/organizations/acme/audit/?kind=thing")
        assert first.content.count(b"<code>thing.changed</code>") == 50
        second = alice_browser.get("/organizations/acme/audit/" + first.context["audit_next_page"])
        assert second.content.count(b"<code>thing.changed</code>") == 10
        assert second.context["audit_next_page"] == ""
        assert second.context["audit_first_page"] == "?kind=thing"

    def test_positions_are_read_as_they_are_written(self) -> None:
        row = Position(clock.now(), AuditEvent().pk)
        assert Position.parse(str(row)) == row
        assert Position.parse("2026-01-01T00:00:00_" + str(row.id)) is None

    def test_queries_do_not_grow(
        self, alice: User, alice_api: Any, acme: Organization, write: Write, django_assert_num_queries: Any
    ) -> None:
        for size in (2, 20):
            for _ in range(size):
                write("thing.changed", acme, actor=alice)
            with django_assert_num_queries(5):
                alice_api.get(f"{PATH}?organization=acme")


def test_a_change_shows_what_it_changed(
    alice: User, alice_browser: Any, acme: Organization, write: Write
) -> None:
    write(
        "project.renamed",
        acme,
        actor=alice,
        before={"name": "<b>old</b>", "open": True},
        after={"name": "new", "open": False},
    )
    page = alice_browser.get("/organizations/acme/audit/").content.decode()
    assert "<del>&lt;b&gt;old&lt;/b&gt;</del>" in page
    assert "<ins>new</ins>" in page
    assert "<del>yes</del>" in page


def body_of(answer: Any) -> str:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()
