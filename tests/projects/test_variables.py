"""Variables that executions inherit: from the organization, groups and the project; who wins, who manages them, what is secret."""

from typing import Any

import pytest

from audit.models import AuditEvent
from common.errors import DomainError, FieldsRefused
from executions import services as executions
from executions.agent_api.details import environment_variables
from executions.models import Execution
from executions.types import ExecutionSpec
from executions.variables import known_variables
from projects import services
from projects.models import GroupVariable, OrganizationVariable, Project, ProjectVariable, VariableGroup
from projects.selectors import effective_variables
from tests.conftest import api_of, browser_of
from tests.support.factories import make_commit, make_environment, make_group, make_project
from tests.support.shapes import assert_shape
from tests.support.tenants import Tenant
from tests.web.addresses import page

GROUPS = "/api/v0/variable-groups/"
GROUP_SHAPE = {
    "id": str, "name": str, "description": str, "organization": {"id": int, "name": str}, "projects": [str],
    "variables": [{"name": str, "secret": bool}], "ctime": str, "mtime": str, "url": str,
}  # fmt: skip
VARIABLE_SHAPE = {"name": str, "value": str | None, "secret": bool}
YAML = """\
- step:
    name: train
    image: python:3.11
    command: run
    environment-variables:
      - {name: MODE, default: of-the-step}
- step:
    name: strict
    image: python:3.11
    command: run
    environment-variables:
      - {name: KEY, optional: false}
- step:
    name: grouped
    image: python:3.11
    command: run
    environment-variable-groups: [Databases]
"""


@pytest.fixture
def project(acme: Tenant) -> Project:
    make_environment("local")
    return make_project(acme.organization)


def values(project: Project, *names: str, inherit: bool = True) -> dict[str, tuple[str, str]]:
    found = effective_variables(project, names, inherit=inherit)
    return {name: (variable.value, str(variable.source)) for name, variable in found.items()}


class TestWhoWins:
    def test_the_nearer_to_the_execution_wins(self, acme: Tenant, project: Project) -> None:
        OrganizationVariable.objects.create(organization=acme.organization, name="A", value="organization")
        assert values(project)["A"] == ("organization", "organization acme")
        make_group(acme.organization, "plain", {"A": "group"}, projects=(project,))
        assert values(project)["A"] == ("group", "group plain")
        ProjectVariable.objects.create(project=project, name="A", value="project")
        assert values(project)["A"] == ("project", "project")
        assert values(project, "PLAIN")["A"] == ("group", "group plain")

    def test_among_groups_the_later_wins(self, acme: Tenant, project: Project) -> None:
        first = make_group(acme.organization, "a-first", {"A": "first", "B": "first"}, projects=(project,))
        make_group(acme.organization, "b-second", {"A": "second"}, projects=(project,))
        assert values(project) == {"A": ("second", "group b-second"), "B": ("first", "group a-first")}
        assert values(project, "b-second", str(first.pk))["A"] == ("first", "group a-first")

    def test_without_inheritance_only_groups_that_are_asked_for_count(
        self, acme: Tenant, project: Project
    ) -> None:
        OrganizationVariable.objects.create(organization=acme.organization, name="O", value="organization")
        ProjectVariable.objects.create(project=project, name="P", value="project")
        make_group(acme.organization, "asked", {"A": "asked"}, projects=(project,))
        make_group(acme.organization, "silent", {"S": "silent"}, projects=(project,))
        assert values(project, inherit=False) == {}
        assert values(project, "asked", inherit=False) == {"A": ("asked", "group asked")}

    def test_a_job_gets_them_below_its_own_and_its_identity(self, acme: Tenant, project: Project) -> None:
        for name in ("MODE", "OWN", "VH_PROJECT_ID", "LEFT"):
            OrganizationVariable.objects.create(
                organization=acme.organization, name=name, value="organization"
            )
        commit = make_commit(project, YAML)
        spec = ExecutionSpec(
            commit=commit.identifier, step="train", environment="local", environment_variables={"OWN": "own"}
        )
        execution = executions.create_execution(actor=acme.member, project=project, spec=spec)
        got = variables_of_job(Execution.objects.get(pk=execution.pk))
        assert got["MODE"] == "of-the-step"
        assert got["OWN"] == "own"
        assert got["LEFT"] == "organization"
        assert got["VH_PROJECT_ID"] == str(project.pk)

    def test_what_is_secret_stays_marked(self, acme: Tenant, project: Project) -> None:
        group = make_group(acme.organization, "databases", {}, projects=(project,))
        GroupVariable.objects.create(group=group, name="PASSWORD", value="s3cret-value", secret=True)
        found = effective_variables(project)
        assert found["PASSWORD"].secret
        assert "s3cret-value" not in repr(found)

    def test_the_number_of_queries_does_not_grow(
        self, acme: Tenant, project: Project, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(6):
            make_group(acme.organization, f"group-{number}", {"A": "a"}, projects=(project,))
        project = Project.objects.select_related("owner").get(pk=project.pk)
        with django_assert_max_num_queries(4):
            effective_variables(project, ["group-1", "group-2"])


class TestAnotherOrganization:
    def test_groups_and_variables_of_the_former_owner_no_longer_count(
        self, acme: Tenant, rival: Tenant, project: Project
    ) -> None:
        OrganizationVariable.objects.create(organization=acme.organization, name="A", value="of acme")
        OrganizationVariable.objects.create(organization=rival.organization, name="A", value="of rival")
        make_group(acme.organization, "group", {"G": "of acme"}, projects=(project,))
        Project.objects.filter(pk=project.pk).update(owner=rival.organization.owner)
        moved = Project.objects.get(pk=project.pk)
        assert values(moved, "group") == {"A": ("of rival", "organization rival")}

    def test_personal_projects_have_neither(self, acme: Tenant) -> None:
        OrganizationVariable.objects.create(organization=acme.organization, name="A", value="of acme")
        assert values(make_project(acme.member)) == {}


class TestAskingForGroups:
    def run(self, acme: Tenant, project: Project, step: str = "train", **given: Any) -> Any:
        commit = make_commit(project, YAML)
        body = {"project": str(project.pk), "commit": commit.identifier, "step": step, **given}
        return api_of(acme.member).post("/api/v0/executions/", body, format="json")

    def test_by_name_or_id(self, acme: Tenant, project: Project) -> None:
        group = make_group(acme.organization, "databases", {"A": "a"}, projects=(project,))
        for reference in ("databases", "DataBases", str(group.pk)):
            answer = self.run(acme, project, environment_variable_groups=[reference, reference])
            assert answer.status_code == 201, answer.content
            assert answer.json()["environment_variable_groups"] == [reference]

    @pytest.mark.parametrize("name", ["absent", "unassigned", "of-rival"])
    def test_what_is_not_assigned_to_the_project_is_named_and_refused(
        self, acme: Tenant, rival: Tenant, project: Project, name: str
    ) -> None:
        make_group(acme.organization, "unassigned", {"A": "a"})
        foreign = make_group(rival.organization, "of-rival", {"A": "a"})
        foreign.projects.add(project)
        for reference in (name, str(foreign.pk)):
            answer = self.run(acme, project, environment_variable_groups=[reference])
            assert answer.status_code == 400
            (fault,) = answer.json()["environment_variable_groups"]
            assert fault["code"] == "does_not_exist"
            assert reference[:128] in fault["message"]
        assert not Execution.objects.exists()

    def test_a_step_asks_for_them(self, acme: Tenant, project: Project) -> None:
        assert self.run(acme, project, "grouped").status_code == 400
        group = make_group(acme.organization, "databases", {"A": "a"}, projects=(project,))
        answer = self.run(acme, project, "grouped", inherit_environment_variables=False)
        assert answer.status_code == 201
        execution = Execution.objects.get()
        assert variables_of_job(execution)["A"] == "a"
        group.projects.clear()
        assert "A" not in variables_of_job(execution)

    def test_a_required_variable_may_come_from_anywhere(self, acme: Tenant, project: Project) -> None:
        assert self.run(acme, project, "strict").status_code == 400
        make_group(acme.organization, "databases", {"KEY": "a"}, projects=(project,))
        assert self.run(acme, project, "strict").status_code == 201
        bare = {"inherit_environment_variables": False}
        assert self.run(acme, project, "strict", **bare).status_code == 400
        asked = {"environment_variable_groups": ["databases"], **bare}
        assert self.run(acme, project, "strict", **asked).status_code == 201


def variables_of_job(execution: Execution) -> dict[str, str]:
    return environment_variables(execution, known_variables(execution))


def send(api: Any, method: str, path: str, body: Any = None) -> Any:
    return getattr(api, method)(path, body, format="json")


class TestGroupsInTheApi:
    def test_created_read_changed_deleted(self, acme: Tenant, project: Project) -> None:
        body = {"name": "databases", "organization": acme.organization.pk, "projects": [str(project.pk)]}
        answer = send(acme.api, "post", GROUPS, body)
        assert answer.status_code == 201, answer.content
        shown = answer.json()
        assert_shape(shown, GROUP_SHAPE)
        assert shown["projects"] == [str(project.pk)]
        assert send(acme.api, "get", shown["url"]).json() == shown
        assert send(acme.api, "get", GROUPS).json()["results"] == [shown]
        changed = send(acme.api, "put", shown["url"], {"description": "read only", "projects": []}).json()
        assert (changed["name"], changed["description"], changed["projects"]) == (
            "databases",
            "read only",
            [],
        )
        assert send(acme.api, "delete", shown["url"]).status_code == 204
        assert not VariableGroup.objects.exists()
        kinds = AuditEvent.objects.order_by("created_at").values_list("kind", flat=True)
        assert list(kinds) == [f"variable_group.{what}" for what in ("created", "changed", "deleted")]

    def test_variables_of_a_group(self, acme: Tenant) -> None:
        group = make_group(acme.organization, "databases", {})
        path = f"{GROUPS}{group.pk}/variables/"
        plain = send(acme.api, "post", path, {"name": "HOST", "value": "db"})
        assert plain.status_code == 201
        assert plain.json() == {"name": "HOST", "value": "db", "secret": False}
        secret = send(acme.api, "post", path, {"name": "PASSWORD", "value": "s3cret-value", "secret": True})
        assert secret.json() == {"name": "PASSWORD", "value": None, "secret": True}
        rows = send(acme.api, "get", path).json()["results"]
        assert_shape(rows, [VARIABLE_SHAPE])
        assert rows == [plain.json(), secret.json()]
        assert send(acme.api, "delete", path, {"name": "HOST"}).status_code == 204
        assert send(acme.api, "delete", path, {"name": "HOST"}).status_code == 404
        assert GroupVariable.objects.get().value == "s3cret-value"
        told = str(list(AuditEvent.objects.values_list("before", "after")))
        assert "s3cret-value" not in told
        assert "db" not in told

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"name": "x" * 129}, "name"),
            ({"name": "TAKEN"}, "name"),
            ({"projects": ["00000000-0000-0000-0000-000000000000"]}, "projects"),
            ({"projects": "{foreign}"}, "projects"),
            ({"organization": "rival"}, "organization"),
            ({"organization": []}, "organization"),
            ({"description": "x" * 4001}, "description"),
        ],
    )
    def test_bad_values_name_their_field(
        self, acme: Tenant, rival: Tenant, body: dict[str, Any], field: str
    ) -> None:
        make_group(acme.organization, "taken", {})
        if body.get("projects") == "{foreign}":
            body = {"projects": [str(make_project(rival.organization).pk)]}
        answer = send(acme.api, "post", GROUPS, {"name": "new", "organization": "acme", **body})
        assert answer.status_code == 400, answer.content
        assert set(answer.json()) == {field}
        assert VariableGroup.objects.count() == 1

    @pytest.mark.parametrize(
        "body", [{"name": "a b", "value": ""}, {"name": "A", "value": "x" * 131072}, {"name": "A"}]
    )
    def test_bad_variables(self, acme: Tenant, body: dict[str, Any]) -> None:
        group = make_group(acme.organization, "group", {})
        assert send(acme.api, "post", f"{GROUPS}{group.pk}/variables/", body).status_code == 400
        assert not GroupVariable.objects.exists()

    def test_members_are_refused_and_strangers_find_nothing(self, acme: Tenant, rival: Tenant) -> None:
        group = make_group(acme.organization, "group", {"A": "a"})
        variable = {"name": "A", "value": "b"}
        for path in (f"{GROUPS}{group.pk}/", f"{GROUPS}{group.pk}/variables/"):
            for method in ("get", "delete", "put" if path.endswith(f"{group.pk}/") else "post"):
                assert send(acme.member_api, method, path, variable).status_code == 403
                assert send(rival.api, method, path, variable).status_code == 404
        for api in (acme.member_api, rival.api):
            assert send(api, "get", GROUPS).json()["results"] == []
            refused = send(api, "post", GROUPS, {"name": "new", "organization": "acme"})
            assert set(refused.json()) == {"organization"}
        assert GroupVariable.objects.get().value == "a"
        assert VariableGroup.objects.count() == 1


class TestVariablesOfAnOrganizationInTheApi:
    def test_set_listed_deleted(self, acme: Tenant, rival: Tenant, charlie_api: Any) -> None:
        path = f"/api/v0/organizations/{acme.organization.pk}/environment-variables/"
        body = {"name": "TOKEN", "value": "s3cret-value", "secret": True}
        for api, status in ((acme.member_api, 403), (rival.api, 404), (charlie_api, 404)):
            for method in ("get", "post", "delete"):
                assert send(api, method, path, body).status_code == status
        assert not OrganizationVariable.objects.exists()
        answer = send(acme.api, "post", path, body)
        assert answer.status_code == 201
        assert answer.json() == {"name": "TOKEN", "value": None, "secret": True}
        assert send(acme.api, "get", path).json()["results"] == [answer.json()]
        event = AuditEvent.objects.get()
        assert (event.kind, event.target_kind) == ("variable.set", "organization_variable")
        assert event.after == {"secret": True, "value": "(changed)"}
        assert send(acme.api, "delete", path, {"name": "TOKEN"}).status_code == 204
        assert not OrganizationVariable.objects.exists()


class TestServices:
    def test_members_change_nothing(self, acme: Tenant) -> None:
        group = make_group(acme.organization, "group", {"A": "a"})
        actor = acme.member
        forbidden = [
            lambda: services.create_group(organization=acme.organization, actor=actor, name="new"),
            lambda: services.update_group(group=group, actor=actor, name="new"),
            lambda: services.delete_group(group=group, actor=actor),
            lambda: services.set_group_variable(group=group, actor=actor, name="A", value="b", secret=False),
            lambda: services.delete_group_variable(group=group, actor=actor, name="A"),
            lambda: services.set_organization_variable(
                organization=acme.organization, actor=actor, name="A", value="b", secret=False
            ),
        ]
        for call in forbidden:
            with pytest.raises(DomainError) as refused:
                call()
            assert refused.value.http_status == 403
        assert (VariableGroup.objects.get().name, GroupVariable.objects.get().value) == ("group", "a")
        assert not AuditEvent.objects.exists()

    def test_a_project_of_another_organization_is_not_assigned(self, acme: Tenant, rival: Tenant) -> None:
        group = make_group(acme.organization, "group", {})
        with pytest.raises(DomainError) as refused:
            services.update_group(group=group, actor=acme.owner, projects=[make_project(rival.organization)])
        assert refused.value.field == "projects"
        assert not group.projects.exists()

    def test_everything_that_is_wrong_is_told_at_once(self, acme: Tenant, project: Project) -> None:
        commit = make_commit(project, YAML)
        spec = ExecutionSpec(commit=commit.identifier, step="strict", environment_variable_groups=["absent"])
        with pytest.raises(FieldsRefused) as refused:
            executions.create_execution(actor=acme.member, project=project, spec=spec)
        assert set(refused.value.faults) == {"environment_variables", "environment_variable_groups"}


class TestPages:
    LIST = "/organizations/acme/variables/"

    def test_variables_of_the_organization(self, acme: Tenant) -> None:
        body = {"name": "TOKEN", "value": "s3cret-value", "secret": "on"}
        text = acme.browser.post(self.LIST, body, follow=True).content.decode()
        assert "TOKEN" in text
        assert "s3cret-value" not in text
        text = acme.browser.post(self.LIST, {"name": "a b", "value": ""}).content.decode()
        assert "cannot be the name of a variable" in text
        acme.browser.post(f"{self.LIST}delete/", {"name": "TOKEN"})
        assert not OrganizationVariable.objects.exists()

    def test_a_group_from_beginning_to_end(self, acme: Tenant, project: Project) -> None:
        browser = acme.browser
        answer = browser.post(
            f"{self.LIST}groups/create/",
            {"name": "databases", "description": "", "projects": [str(project.pk)]},
        )
        group = VariableGroup.objects.get()
        address = f"{self.LIST}groups/{group.pk}/"
        assert answer.headers["Location"] == address
        assert list(group.projects.all()) == [project]
        browser.post(f"{address}variables/", {"name": "PASSWORD", "value": "s3cret-value", "secret": "on"})
        text = browser.get(address).content.decode()
        assert "PASSWORD" in text
        assert "s3cret-value" not in text
        assert "databases" in browser.get(self.LIST).content.decode()
        browser.post(address, {"name": "stores", "description": "", "projects": []})
        group.refresh_from_db()
        assert (group.name, list(group.projects.all())) == ("stores", [])
        browser.post(f"{address}variables/delete/", {"name": "PASSWORD"})
        assert not GroupVariable.objects.exists()
        browser.post(f"{address}delete/")
        assert not VariableGroup.objects.exists()

    def test_they_are_the_owners(self, acme: Tenant, rival: Tenant) -> None:
        group = make_group(acme.organization, "group", {"A": "a"})
        assert browser_of(acme.member).get(self.LIST).status_code == 403
        assert rival.browser.get(self.LIST).status_code == 404
        foreign = f"/organizations/rival/variables/groups/{group.pk}/"
        for path in ("", "variables/", "delete/", "variables/delete/"):
            answer = rival.browser.post(f"{foreign}{path}", {"name": "A", "value": "b"})
            assert answer.status_code == 404
        assert GroupVariable.objects.get().value == "a"

    def test_project_settings_show_what_is_inherited_and_from_where(
        self, acme: Tenant, project: Project
    ) -> None:
        OrganizationVariable.objects.create(
            organization=acme.organization, name="TOKEN", value="s3cret-value", secret=True
        )
        make_group(acme.organization, "databases", {"HOST": "db.example.com"}, projects=(project,))
        ProjectVariable.objects.create(project=project, name="HOST", value="own.example.com")
        text = acme.browser.get(f"/p/acme/{project.name}/settings/variables/").content.decode()
        assert "organization acme" in text
        assert "s3cret-value" not in text
        assert "db.example.com" not in text


def test_the_create_form_offers_groups_and_says_what_is_inherited(acme: Tenant, project: Project) -> None:
    make_commit(project, YAML)
    group = make_group(acme.organization, "databases", {"HOST": "db.example.com"}, projects=(project,))
    GroupVariable.objects.create(group=group, name="PASSWORD", value="s3cret-value", secret=True)
    answer = browser_of(acme.member).get(page("execution_create_facts", project))
    facts = answer.json()
    assert facts["groups"] == [{"id": str(group.pk), "name": "databases", "variables": ["HOST", "PASSWORD"]}]
    assert {item["name"]: item["source"] for item in facts["inherited"]} == {
        "HOST": "group databases",
        "PASSWORD": "group databases",
    }
    assert "s3cret-value" not in answer.content.decode()
