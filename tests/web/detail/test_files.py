"""Tables of files: an execution's outputs and a project's Data tab."""

import html

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from common import clock
from datastores.models import Datum, DatumAlias
from executions.models import Execution
from projects.models import Project
from tests.conftest import browser_of
from tests.support import factories
from tests.web.addresses import page
from tests.web.detail.conftest import address

FRAGMENT = {"HX-Request": "true"}


def names(browser: Client, url: str) -> list[str]:
    answer = browser.get(url, headers=FRAGMENT)
    assert answer.status_code == 200
    return [row.datum.name for row in answer.context["datums"].rows]


def text_of(browser: Client, url: str) -> str:
    return html.unescape(browser.get(url, headers=FRAGMENT).content.decode())


@pytest.fixture
def outputs(project: Project, run: Execution) -> list[Datum]:
    own = {"output_execution_id": run.pk, "output_execution_counter": run.counter}
    made = [
        factories.make_datum(project, name="model.pkl", tags=["best"], **own),
        factories.make_datum(project, name="reports/metrics.json", **own),
    ]
    DatumAlias.objects.create(project=project, name="latest-model", datum=made[0])
    return made


def test_outputs_list_what_the_execution_left(
    alice_browser: Client, run: Execution, outputs: list[Datum]
) -> None:
    factories.make_datum(run.project, name="of-another-run.txt")
    assert names(alice_browser, address(run, "execution_outputs")) == ["model.pkl", "reports/metrics.json"]
    text = text_of(alice_browser, address(run, "execution_outputs"))
    for fact in (f"datum://{outputs[0].pk}", "latest-model", "best", outputs[0].sha256):
        assert fact in text


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("metrics", ["reports/metrics.json"]),
        ("BEST", []),
        ("best", ["model.pkl"]),
        ("latest", ["model.pkl"]),
        ("reports json", ["reports/metrics.json"]),
        ("nothing-like-it", []),
        ("%00", []),
        ("#1", ["model.pkl", "reports/metrics.json"]),
        ("#99999999999999999999999", []),
    ],
)
def test_files_are_found(
    alice_browser: Client, run: Execution, outputs: list[Datum], search: str, found: list[str]
) -> None:
    query = search.replace("#", "%23")
    if search == "%00":
        assert alice_browser.get(address(run, "execution_outputs") + "?search=%00").status_code == 200
        return
    assert names(alice_browser, f"{address(run, 'execution_outputs')}?search={query}") == found


def test_no_outputs_teach_how_to_get_some(alice_browser: Client, run: Execution) -> None:
    assert "/valohai/outputs" in text_of(alice_browser, address(run, "execution_outputs"))


def test_many_outputs_come_in_pages(alice_browser: Client, project: Project, run: Execution) -> None:
    store = factories.make_store()
    Datum.objects.bulk_create(
        Datum(
            project=project, store=store, name=f"{number:04}.bin", key=f"k{number}", output_execution_id=run.pk,
            stored_at=clock.now(),
        )
        for number in range(250)
    )  # fmt: skip
    url = address(run, "execution_outputs")
    assert len(names(alice_browser, url)) == 50
    assert names(alice_browser, f"{url}?page=5")[-1] == "0249.bin"
    with CaptureQueriesContext(connection) as queries:
        alice_browser.get(url, headers=FRAGMENT)
    assert len(queries) <= 9


def test_unfinished_uploads_are_no_files(alice_browser: Client, project: Project, run: Execution) -> None:
    factories.make_datum(project, name="half.bin", output_execution_id=run.pk, stored_at=None)
    assert names(alice_browser, address(run, "execution_outputs")) == []


def test_purged_files_have_nothing_to_download(
    alice_browser: Client, run: Execution, outputs: list[Datum]
) -> None:
    Datum.objects.filter(pk=outputs[0].pk).update(purged_at=clock.now())
    text = text_of(alice_browser, address(run, "execution_outputs"))
    assert "purged" in text
    assert f'data-download="{outputs[0].pk}"' not in text
    assert f'data-download="{outputs[1].pk}"' in text


def test_names_of_files_stay_text(alice_browser: Client, project: Project, run: Execution) -> None:
    factories.make_datum(project, name='a"><script>x', output_execution_id=run.pk)
    assert b"<script>x" not in alice_browser.get(address(run, "execution_outputs"), headers=FRAGMENT).content


def test_data_tab_lists_the_project(
    alice: User, alice_browser: Client, project: Project, outputs: list[Datum]
) -> None:
    factories.make_datum(project, name="train.csv", uploader=alice)
    factories.make_datum(name="foreign.csv")
    url = page("project_data", project)
    assert set(names(alice_browser, url)) == {"model.pkl", "reports/metrics.json", "train.csv"}
    assert names(alice_browser, f"{url}?kind=uploaded") == ["train.csv"]
    assert set(names(alice_browser, f"{url}?kind=outputs")) == {"model.pkl", "reports/metrics.json"}
    text = html.unescape(alice_browser.get(url).content.decode())
    assert "uploaded by alice" in text
    assert "#1" in text


def test_data_tab_hides_purged_files_unless_asked(
    alice_browser: Client, project: Project, outputs: list[Datum]
) -> None:
    Datum.objects.filter(pk=outputs[0].pk).update(purged_at=clock.now())
    url = page("project_data", project)
    assert names(alice_browser, url) == ["reports/metrics.json"]
    assert "model.pkl" in names(alice_browser, f"{url}?purged=1")


@pytest.mark.parametrize("name", ["project_data", "project_aliases"])
def test_data_of_others_does_not_exist(charlie_browser: Client, project: Project, name: str) -> None:
    assert charlie_browser.get(page(name, project)).status_code == 404


def test_a_reader_can_neither_upload_nor_name(project: Project, outputs: list[Datum]) -> None:
    reader = factories.make_user("rita")
    factories.make_collaborator(project, reader, is_read_only=True)
    browser = browser_of(reader)
    assert 'id="upload"' not in browser.get(page("project_data", project)).content.decode()
    aliases = browser.get(page("project_aliases", project)).content.decode()
    assert "latest-model" in aliases
    assert "alias-form" not in aliases


def test_aliases_show_what_they_point_to(
    alice_browser: Client, project: Project, outputs: list[Datum]
) -> None:
    text = alice_browser.get(page("project_aliases", project)).content.decode()
    assert "datum://latest-model" in text
    assert "model.pkl" in text
