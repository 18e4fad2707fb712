"""Who sees which store, which projects may use it, and stores as defaults."""

from typing import Any

import pytest

from accounts.models import User
from datastores.defaults import check_store_of_organization, default_stores_of
from datastores.errors import DefaultStoreRefused
from datastores.models import DataStore
from datastores.selectors import default_store, find_upload_store, readable_by, stores_for
from executions.agent_api.attempts import upload_store_of
from organizations.models import OrganizationMembership
from organizations.services import settings_checks
from projects.services import create_project
from tests.conftest import api_of
from tests.support.factories import make_execution, make_project, make_store, make_team, make_user
from tests.support.tenants import Tenant

Mode = DataStore.AccessMode


def store(name: str, mode: str, **fields: Any) -> DataStore:
    return make_store(name=name, access_mode=mode, is_default=False, **fields)


def seen(user: User) -> set[str]:
    return set(stores_for(user).values_list("name", flat=True))


def used(project: Any) -> set[str]:
    return set(readable_by(project).values_list("name", flat=True))


@pytest.fixture
def stores(acme: Tenant, rival: Tenant) -> dict[str, DataStore]:
    make_store()
    teams = store("vision's", Mode.TEAMS, owner=acme.organization.owner)
    teams.teams.add(acme.team)
    return {
        "everybody's": store("everybody's", Mode.PUBLIC),
        "acme's": store("acme's", Mode.OWNER_ORGANIZATION, owner=acme.organization.owner),
        "vision's": teams,
        "rival's": store("rival's", Mode.OWNER_ORGANIZATION, owner=rival.organization.owner),
    }


@pytest.mark.usefixtures("stores")
class TestWhoSeesIt:
    def test_members_as_far_as_teams_are_not_kept_out(self, acme: Tenant) -> None:
        assert seen(acme.member) == {"default", "everybody's", "acme's", "vision's"}
        colleague = make_user()
        OrganizationMembership.objects.create(organization=acme.organization, user=colleague)
        assert seen(colleague) == {"default", "everybody's", "acme's"}

    def test_owners_see_all_of_theirs_and_strangers_nothing(
        self, acme: Tenant, rival: Tenant, charlie: User
    ) -> None:
        assert seen(acme.owner) == {"default", "everybody's", "acme's", "vision's"}
        assert seen(rival.owner) == {"default", "everybody's", "rival's"}
        assert seen(charlie) == {"default", "everybody's"}

    def test_without_a_second_factor_that_is_required_nothing_of_the_organization_is_there(
        self, acme: Tenant
    ) -> None:
        acme.organization.require_2fa = True
        acme.organization.save()
        for user in (acme.owner, acme.member):
            assert seen(user) == {"default", "everybody's"}

    def test_a_project_s_store_is_for_who_sees_the_project(self, acme: Tenant, charlie: User) -> None:
        store("project's", Mode.SINGLE_PROJECT, project=make_project(acme.organization))
        assert "project's" in seen(acme.member)
        assert "project's" not in seen(charlie)

    def test_in_the_api_it_does_not_exist(self, rival: Tenant, stores: dict[str, DataStore]) -> None:
        for name in ("acme's", "vision's"):
            assert rival.api.get(f"/api/v0/stores/{stores[name].pk}/").status_code == 404
        rows = rival.api.get("/api/v0/stores/").json()
        assert {row["name"] for row in rows["results"]} == {"default", "everybody's", "rival's"}
        assert rows["count"] == 3


@pytest.mark.usefixtures("stores")
class TestWhichProjectsUseIt:
    def test_those_of_its_owner_and_of_its_teams(self, acme: Tenant, charlie: User) -> None:
        other_team = make_team(acme.organization)
        assert used(make_project(acme.organization)) == {"default", "everybody's", "acme's"}
        assert used(make_project(acme.organization, team=acme.team)) == {
            "default",
            "everybody's",
            "acme's",
            "vision's",
        }
        assert used(make_project(acme.organization, team=other_team)) == {"default", "everybody's", "acme's"}
        assert used(make_project(charlie)) == {"default", "everybody's"}

    def test_an_organization_may_forbid_public_ones(self, acme: Tenant, rival: Tenant) -> None:
        acme.organization.forbid_public_stores = True
        acme.organization.save()
        assert used(make_project(acme.organization)) == {"default", "acme's"}
        assert find_upload_store(make_project(acme.organization), "everybody's") is None
        assert "everybody's" in used(make_project(rival.organization))

    def test_a_project_that_left_writes_elsewhere(
        self, acme: Tenant, rival: Tenant, stores: dict[str, DataStore]
    ) -> None:
        project = make_project(acme.organization, upload_store_id=stores["acme's"].pk)
        assert default_store(project) == stores["acme's"]
        project.owner = rival.organization.owner
        project.save()
        assert default_store(project).is_default

    def test_a_store_goes_with_its_project(self, acme: Tenant, rival: Tenant) -> None:
        project = make_project(acme.organization)
        store("project's", Mode.SINGLE_PROJECT, project=project, owner=acme.organization.owner)
        assert "project's" in seen(acme.owner)
        project.owner = rival.organization.owner
        project.save()
        assert "project's" in seen(rival.owner)
        assert "project's" not in seen(acme.owner)
        api = api_of(rival.owner)
        [row] = [row for row in api.get("/api/v0/stores/").json()["results"] if row["name"] == "project's"]
        assert row["owner"] == rival.organization.pk

    def test_outputs_of_new_runs_leave_a_store_that_the_project_lost(
        self, acme: Tenant, stores: dict[str, DataStore]
    ) -> None:
        project = make_project(acme.organization, upload_store_id=stores["acme's"].pk)
        asked = make_execution(project, upload_store_id=stores["acme's"].pk)
        assert upload_store_of(asked) == stores["acme's"]
        stores["acme's"].access_mode = Mode.TEAMS
        stores["acme's"].save()
        assert upload_store_of(asked).is_default


@pytest.mark.usefixtures("stores")
class TestDefaults:
    def test_of_new_projects(self, acme: Tenant, stores: dict[str, DataStore]) -> None:
        acme.organization.default_store_id = stores["acme's"].pk
        acme.organization.save()
        project = create_project(actor=acme.member, name="new", owner=acme.organization.owner)
        assert default_store(project) == stores["acme's"]
        assert create_project(actor=acme.member, name="own").upload_store_id is None

    @pytest.mark.parametrize("name", ["vision's", "rival's", "everybody's"])
    def test_only_what_every_project_can_write_to(
        self, acme: Tenant, stores: dict[str, DataStore], name: str
    ) -> None:
        assert check_store_of_organization in settings_checks
        with pytest.raises(DefaultStoreRefused) as refused:
            check_store_of_organization(acme.organization, {"default_store_id": stores[name].pk})
        assert refused.value.field == "default_store_id"
        names = default_stores_of(acme.organization).values_list("name", flat=True)
        assert list(names) == ["acme's", "default"]
        for allowed in (None, stores["acme's"].pk):
            check_store_of_organization(acme.organization, {"default_store_id": allowed})

    def test_of_a_project(self, acme: Tenant, stores: dict[str, DataStore]) -> None:
        project = make_project(acme.organization, creator=acme.member)
        api, path = api_of(acme.member), f"/api/v0/projects/{project.pk}/"
        answer = api.patch(path, {"upload_store_id": str(stores["acme's"].pk)}, format="json")
        assert answer.json()["upload_store_id"] == str(stores["acme's"].pk)
        refused = api.patch(path, {"upload_store_id": str(stores["rival's"].pk)}, format="json")
        assert refused.status_code == 400
        assert set(refused.json()) == {"upload_store_id"}
        project.refresh_from_db()
        assert project.upload_store_id == stores["acme's"].pk
