"""Whoever may only look finds no control that would be refused, whichever way they came to look; the API refuses them."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from datastores.models import Datum, DatumAlias
from executions.models import Execution
from executions.types import Status
from organizations.models import Organization, OrganizationMembership, TeamMembership
from projects.models import Project
from tests.conftest import api_of, browser_of
from tests.support import factories
from tests.web.addresses import page

Role = OrganizationMembership.Role

CONTROLS = {
    "project": (
        "/executions/create/", 'name="id"', 'id="select-all"', 'hx-post="/p/house/defects/executions/bulk/"', "?from=",
    ),
    "waiting": ('id="stop"', 'data-title="edit"', "?from=", 'id="show-api-call"'),
    "ended": ('id="delete"', 'data-tags="form"', "data-remove-tag", 'id="purge-all"', 'data-title="form"'),
    "facts": ('data-tags="form"', "data-remove-tag"),
    "outputs": ('data-purge="',),
    "data": ('id="upload"', 'data-open-dialog="#upload"', 'data-purge="'),
    "aliases": ('id="alias-form"', "data-repoint"),
}  # fmt: skip
"""Page -> what only those see who may use it."""


@pytest.fixture
def house(alice: User) -> Organization:
    return factories.make_organization("house", members=(alice,))


@pytest.fixture
def project(house: Organization, alice: User) -> Project:
    team = factories.make_team(house, "vision", members=(alice,))
    return factories.make_project(house, "defects", team=team, creator=alice)


@pytest.fixture
def waiting(project: Project) -> Execution:
    return factories.make_execution(project, waiting_reason="It waits for a <place>.", title="Sweep")


@pytest.fixture
def ended(project: Project) -> Execution:
    return factories.make_execution(project, status=Status.COMPLETE, tags=["kept"])


@pytest.fixture
def datum(project: Project, ended: Execution) -> Datum:
    datum = factories.make_datum(
        project, output_execution_id=ended.pk, output_execution_counter=ended.counter
    )
    DatumAlias.objects.create(project=project, name="best", datum=datum)
    return datum


def by_role(project: Project) -> User:
    """Sees the projects without a team."""
    project.team = None
    project.save()
    user = factories.make_user("viewer")
    OrganizationMembership.objects.create(
        organization=project.owner.organization, user=user, role=Role.VIEWER
    )
    return user


def by_team(project: Project) -> User:
    user = factories.make_user("viewer")
    OrganizationMembership.objects.create(
        organization=project.owner.organization, user=user, role=Role.MEMBER
    )
    TeamMembership.objects.create(team=project.team, user=user, is_read_only=True)
    return user


def by_collaboration(project: Project) -> User:
    return factories.make_collaborator(project, factories.make_user("viewer"), is_read_only=True).user


@pytest.fixture(params=[by_role, by_team, by_collaboration])
def viewer(request: pytest.FixtureRequest, project: Project) -> User:
    user: User = request.param(project)
    return user


@pytest.fixture
def addresses(project: Project, waiting: Execution, ended: Execution, datum: Datum) -> dict[str, str]:
    return {
        "project": page("project", project),
        "waiting": page("execution", project, execution_id=waiting.pk),
        "ended": page("execution", project, execution_id=ended.pk),
        "facts": page("execution_facts", project, execution_id=ended.pk),
        "outputs": page("execution_outputs", project, execution_id=ended.pk),
        "data": page("project_data", project),
        "aliases": page("project_aliases", project),
    }


def text_at(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_members_find_every_control(addresses: dict[str, str], alice_browser: Client) -> None:
    """Else the next test would prove nothing."""
    for name, controls in CONTROLS.items():
        text = text_at(alice_browser, addresses[name])
        assert [control for control in controls if control not in text] == [], name


def test_viewers_find_none_of_them_on_any_page(addresses: dict[str, str], viewer: User) -> None:
    browser = browser_of(viewer)
    for name, address in addresses.items():
        text = text_at(browser, address)
        found = [control for controls in CONTROLS.values() for control in controls if control in text]
        assert found == [], name


def test_viewers_see_what_is_to_be_seen(
    addresses: dict[str, str], viewer: User, waiting: Execution, datum: Datum
) -> None:
    browser = browser_of(viewer)
    for name in ("project", "waiting"):
        assert "It waits for a &lt;place&gt;." in text_at(browser, addresses[name])
    assert f'data-download="{datum.pk}"' in text_at(browser, addresses["data"])
    assert "datum://best" in text_at(browser, addresses["aliases"])


def test_the_create_page_tells_a_viewer_why_not(project: Project, viewer: User) -> None:
    browser = browser_of(viewer)
    for name in ("execution_create", "execution_create_facts"):
        answer = browser.get(page(name, project))
        assert answer.status_code == 403
        assert "Ask an administrator" in answer.content.decode()


def test_api_refuses_a_viewer_and_nothing_changes(
    project: Project, viewer: User, waiting: Execution, ended: Execution, datum: Datum
) -> None:
    run, kept, file = f"executions/{waiting.pk}/", f"executions/{ended.pk}/", f"data/{datum.pk}/"
    commit = waiting.commit
    assert commit is not None
    new = {"project": str(project.pk), "commit": commit.identifier, "step": "train"}
    alias = {"project": str(project.pk), "name": "best", "datum": str(datum.pk)}
    upload = {"project": str(project.pk), "name": "new.txt", "size": 1}
    attempts: list[tuple[str, str, dict[str, Any]]] = [
        ("post", "executions/", new),
        ("post", f"{run}stop/", {}),
        ("patch", run, {"title": "renamed"}),
        ("post", f"{kept}tags/", {"tags": ["more"]}),
        ("delete", kept, {}),
        ("post", f"{file}purge/", {}),
        ("post", f"{file}metadata/", {"seen": True}),
        ("post", "data/uploads/", upload),
        ("post", "datum-aliases/", alias),
    ]
    before = state_of(project)
    api = api_of(viewer)
    for method, path, body in attempts:
        answer = getattr(api, method)(f"/api/v0/{path}", body, format="json")
        assert answer.status_code == 403, (method, path, answer.content)
    browser_of(viewer).post(page("executions_bulk", project), {"action": "stop", "id": str(waiting.pk)})
    browser_of(viewer).post(page("executions_bulk", project), {"action": "delete", "id": str(ended.pk)})
    assert state_of(project) == before


def state_of(project: Project) -> list[Any]:
    """Every row of the project that the attempts are about."""
    kinds = (Execution, Datum, DatumAlias)
    return [list(kind._default_manager.filter(project=project).order_by("pk").values()) for kind in kinds]
