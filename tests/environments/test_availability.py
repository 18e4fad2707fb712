"""Why an environment cannot be used here: the reason, what to do, and that lists, defaults and the API agree."""

from typing import Any

import pytest

from accounts.models import User
from environments.availability import Place, Standing, why_unavailable
from environments.errors import EnvironmentNotAvailable, EnvironmentNotFound
from environments.models import Environment
from environments.selectors import (
    PROJECT_DEFAULT,
    default_environment,
    environments_for,
    environments_for_project,
    resolve_environment,
)
from executions.models import Execution
from projects.models import Project
from tests.conftest import api_of
from tests.support import factories
from tests.support.factories import (
    make_collaborator,
    make_commit,
    make_environment,
    make_organization,
    make_place,
    make_project,
    make_team,
)
from tests.support.tenants import Tenant


def reason(user: User, project: Project, environment: Environment) -> str | None:
    """None when it can be used; every way to ask has to agree."""
    choice = environments_for_project(user, project)
    unusable = {item.environment: item.reason for item in choice.unusable}
    if environment in choice.usable:
        assert resolve_environment(user, environment.slug, project) == environment
        assert environment in environments_for(user)
        return None
    if environment in unusable:
        with pytest.raises(EnvironmentNotAvailable) as refused:
            resolve_environment(user, environment.slug, project)
        assert unusable[environment] in refused.value.message
        return unusable[environment]
    with pytest.raises(EnvironmentNotFound):
        resolve_environment(user, environment.slug, project)
    return "does not exist"


def change(environment: Environment, **fields: Any) -> Environment:
    Environment.objects.filter(pk=environment.pk).update(**fields)
    environment.refresh_from_db()
    return environment


class TestOfAnOrganization:
    @pytest.fixture
    def project(self, acme: Tenant) -> Project:
        return make_project(acme.organization)

    def test_its_projects_use_it(self, acme: Tenant, project: Project) -> None:
        assert reason(acme.member, project, acme.environment) is None
        assert reason(acme.owner, project, acme.environment) is None

    def test_switched_off(self, acme: Tenant, project: Project) -> None:
        off = change(acme.environment, enabled=False)
        assert reason(acme.member, project, off) == "It is switched off. An owner of acme can enable it."

    def test_projects_of_others_do_not(self, acme: Tenant, rival: Tenant) -> None:
        abroad = make_project(rival.organization)
        factories.OrganizationMembership.objects.create(organization=rival.organization, user=acme.member)
        assert "belongs to acme" in (reason(acme.member, abroad, acme.environment) or "")
        assert reason(rival.member, abroad, acme.environment) == "does not exist"

    def test_personal_projects_of_members_as_long_as_it_allows_them(
        self, acme: Tenant, charlie: User
    ) -> None:
        personal = make_project(acme.member)
        assert reason(acme.member, personal, acme.environment) is None
        change(acme.environment, allow_personal_usage=False)
        told = reason(acme.member, personal, acme.environment)
        assert told == "It is not for personal projects. Run in a project of acme."
        assert reason(charlie, make_project(charlie), acme.environment) == "does not exist"

    def test_who_only_looks_does_not_take_it_home(self, acme: Tenant) -> None:
        looker = factories.make_user()
        role = factories.OrganizationMembership.Role.VIEWER
        factories.OrganizationMembership.objects.create(
            organization=acme.organization, user=looker, role=role
        )
        assert "belongs to acme" in (reason(looker, make_project(looker), acme.environment) or "")
        assert acme.environment not in environments_for(looker)

    def test_restricted_to_teams(self, acme: Tenant, project: Project) -> None:
        change(acme.environment, restricted_to_teams=True)
        told = reason(acme.member, project, acme.environment)
        assert told == (
            "It is restricted to teams, and you are in none that has a place in it. An owner of acme can give one."
        )
        make_place(acme.environment, acme.team)
        assert reason(acme.member, project, acme.environment) is None

    def test_a_team_s_project_needs_the_team_s_place(self, acme: Tenant) -> None:
        change(acme.environment, restricted_to_teams=True)
        placed = make_team(acme.organization, "placed", members=(acme.member,))
        make_place(acme.environment, placed)
        project = make_project(acme.organization, team=acme.team)
        told = reason(acme.member, project, acme.environment)
        assert told is not None
        assert "the project's team vision has no place" in told
        make_place(acme.environment, acme.team, 1)
        assert reason(acme.member, project, acme.environment) is None

    @pytest.mark.parametrize("restricted", [True, False])
    def test_a_quota_of_zero_blocks(self, acme: Tenant, project: Project, restricted: bool) -> None:
        change(acme.environment, restricted_to_teams=restricted)
        make_place(acme.environment, acme.team, 0)
        told = reason(acme.member, project, acme.environment)
        assert told == "The quota of the team vision in it is 0. An owner of acme can raise it."
        make_place(acme.environment, make_team(acme.organization, members=(acme.member,)), 2)
        assert reason(acme.member, project, acme.environment) is None

    def test_of_a_team(self, acme: Tenant, project: Project) -> None:
        elsewhere = make_team(acme.organization, "elsewhere")
        own = make_environment("acme-own", owner=acme.organization.owner, team=elsewhere)
        assert "belongs to the team elsewhere" in (reason(acme.member, project, own) or "")
        change(own, team=acme.team)
        assert reason(acme.member, project, own) is None
        assert reason(acme.member, make_project(acme.organization, team=acme.team), own) is None

    def test_of_a_member(self, acme: Tenant, project: Project) -> None:
        own = make_environment("acme-own", owner=acme.organization.owner, member=acme.member)
        colleague = factories.make_user()
        factories.OrganizationMembership.objects.create(organization=acme.organization, user=colleague)
        assert reason(acme.member, project, own) is None
        assert "belongs to mina alone" in (reason(colleague, project, own) or "")
        acme.team.memberships.all().delete()
        acme.organization.memberships.filter(user=acme.member).delete()
        assert reason(acme.member, project, own) == "does not exist"

    def test_a_collaborator_from_outside_runs_where_the_project_runs(
        self, acme: Tenant, charlie: User
    ) -> None:
        project = make_project(acme.organization, team=acme.team)
        make_collaborator(project, charlie)
        restricted = make_environment(
            "acme-restricted", owner=acme.organization.owner, restricted_to_teams=True
        )
        assert reason(charlie, project, acme.environment) is None
        assert reason(charlie, project, restricted) == "does not exist"
        make_place(restricted, acme.team, 1)
        assert reason(charlie, project, restricted) is None
        charlie.collaborations.update(is_read_only=True)
        assert acme.environment not in environments_for(charlie)

    def test_without_the_second_factor_that_is_required_nothing_of_it_is_known(
        self, acme: Tenant, project: Project
    ) -> None:
        acme.organization.require_2fa = True
        acme.organization.save()
        assert reason(acme.member, project, acme.environment) == "does not exist"
        assert list(environments_for(acme.member)) == []


class TestOfNobody:
    def test_everybody_runs_on_it(self, alice: User, project: Project, acme: Tenant) -> None:
        shared = make_environment("shared")
        assert reason(alice, project, shared) is None
        assert reason(acme.member, make_project(acme.organization), shared) is None

    def test_not_in_personal_projects_when_it_says_so(
        self, alice: User, project: Project, acme: Tenant
    ) -> None:
        shared = make_environment("shared", allow_personal_usage=False)
        told = reason(alice, project, shared)
        assert told == "It is not for personal projects. Run in a project of an organization."
        assert reason(acme.member, make_project(acme.organization), shared) is None

    def test_off(self, alice: User, project: Project) -> None:
        off = make_environment("off", enabled=False)
        told = reason(alice, project, off)
        assert told == "It is switched off. The operator of the installation can enable it."


class TestOfAUser:
    def test_its_owner_everywhere_others_in_the_owner_s_projects(
        self, alice: User, bob: User, charlie: User, project: Project
    ) -> None:
        hers = make_environment("hers", owner=alice.owner, allow_personal_usage=False)
        house = make_organization(members=(alice,))
        assert reason(alice, project, hers) is None
        assert reason(alice, make_project(house), hers) is None
        assert reason(bob, project, hers) is None
        assert reason(charlie, make_project(charlie), hers) == "does not exist"


def test_a_superuser_is_not_shown_the_environments_of_others(
    superuser: User, acme: Tenant, rival: Tenant
) -> None:
    choice = environments_for_project(superuser, make_project(acme.organization))
    assert choice.usable == [acme.environment]
    assert choice.unusable == []


def test_the_decision_is_pure(acme: Tenant) -> None:
    standing = Standing(
        user_id=1, owner_id=acme.organization.pk, is_personal=False,
        places={acme.environment.pk: [Place("a", 0), Place("b", None)]},
    )  # fmt: skip
    assert why_unavailable(acme.environment, standing) is None


class TestDefault:
    def test_what_one_may_not_use_is_passed_over(self, acme: Tenant) -> None:
        project = make_project(acme.organization, default_environment_slug="acme-gpu")
        local = make_environment("local")
        assert default_environment(acme.member, project) == acme.environment
        make_place(acme.environment, acme.team, 0)
        assert default_environment(acme.member, project) == local
        assert resolve_environment(acme.member, PROJECT_DEFAULT, project) == local


class TestInTheApi:
    def run(self, user: User, project: Project, environment: str) -> Any:
        commit = make_commit(project)
        body = {
            "project": str(project.pk),
            "commit": commit.identifier,
            "step": "train",
            "environment": environment,
        }
        return api_of(user).post("/api/v0/executions/", body, format="json")

    def test_a_run_says_why_not(self, acme: Tenant) -> None:
        make_place(acme.environment, acme.team, 0)
        answer = self.run(acme.member, make_project(acme.organization), "acme-gpu")
        assert answer.status_code == 400
        (fault,) = answer.json()["environment"]
        assert fault["code"] == "not_available"
        assert "quota of the team vision" in fault["message"]
        assert not Execution.objects.exists()

    def test_what_is_another_s_does_not_exist(self, acme: Tenant, rival: Tenant) -> None:
        answer = self.run(acme.member, make_project(acme.organization), str(rival.environment.pk))
        assert answer.status_code == 400
        assert answer.json()["environment"][0]["code"] == "does_not_exist"

    def test_a_step_names_one_that_is_closed(self, acme: Tenant) -> None:
        make_environment("local")
        change(acme.environment, enabled=False)
        project = make_project(acme.organization)
        yaml = factories.YAML.replace(
            "    image: python:3.11\n", "    image: python:3.11\n    environment: acme-gpu\n"
        )
        commit = make_commit(project, yaml)
        body = {"project": str(project.pk), "commit": commit.identifier, "step": "train"}
        answer = api_of(acme.member).post("/api/v0/executions/", body, format="json")
        assert answer.json()["environment"][0]["code"] == "not_available"
