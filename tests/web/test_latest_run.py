"""The latest run on the home page."""

from django.test import Client

from executions.metadata import store
from executions.metadata.lines import MetadataEvent
from executions.metadata.series import Series
from executions.models import Execution
from executions.types import Status
from executions.web.latest_run import latest_run, polyline
from projects.models import Project
from tests.support import factories


def test_newest_finished_run_with_metrics_is_shown(alice_browser: Client, project: Project) -> None:
    shown = finished(project, title="the good one", accuracy=[0.1, 0.5, 0.9])
    factories.make_execution(project, status=Status.STARTED, title="still running")
    page = alice_browser.get("/").content.decode()
    assert f'href="/p/alice/{project.name}/execution/{shown.pk}/"' in page
    assert "the good one" in page
    assert 'points="0.0,40.0 80.0,20.0 160.0,0.0"' in page


def test_no_run_no_panel(alice_browser: Client, project: Project) -> None:
    assert "latest-run" not in alice_browser.get("/").content.decode()
    assert latest_run([]) is None


def test_a_constant_series_runs_through_the_middle() -> None:
    assert polyline(Series([0, 1], [5, 5], 2)) == "0.0,20.0 160.0,20.0"


def finished(project: Project, title: str, accuracy: list[float]) -> Execution:
    execution = factories.make_execution(
        project,
        status=Status.COMPLETE,
        title=title,
        metadata_count=len(accuracy),
        cumulative_metadata={"epoch": len(accuracy), "accuracy": accuracy[-1]},
    )
    events = [
        MetadataEvent(line=number, time=number, values={"epoch": number, "accuracy": value})
        for number, value in enumerate(accuracy)
    ]
    store.append(execution.pk, 0, events)
    return execution
