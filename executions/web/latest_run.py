"""The latest finished run on the home page, with a small curve for each of its metrics."""

from collections.abc import Sequence
from dataclasses import dataclass

from executions.metadata.series import INDEX_KEY, Series, series
from executions.models import Execution
from executions.types import FINAL
from projects.models import Project

WIDTH = 160
HEIGHT = 40
MOST_CURVES = 4
MOST_POINTS = 80
# Longer series belong to the execution's own page, which loads them piece by piece.
MOST_EVENTS = 20_000
RECENT = 20
# What counts the steps of a run is an axis, not a result.
AXES = frozenset({"epoch", "step", "iteration", "batch", "global_step"})


@dataclass(frozen=True)
class Curve:
    """`points` are those of an SVG polyline in a box of WIDTH by HEIGHT."""

    name: str
    latest: float
    points: str


@dataclass(frozen=True)
class LatestRun:
    execution: Execution
    curves: list[Curve]


def latest_run(projects: Sequence[Project]) -> LatestRun | None:
    """The newest finished run with metrics in the first of the projects, which the caller has ordered by activity."""
    if not projects:
        return None
    recent = (
        Execution.objects.filter(project=projects[0], deleted_at__isnull=True)
        .select_related("project__owner")
        .order_by("-counter")[:RECENT]
    )
    for execution in recent:
        if execution.status in FINAL and 0 < execution.metadata_count <= MOST_EVENTS:
            return LatestRun(execution, _curves(execution))
    return None


def _curves(execution: Execution) -> list[Curve]:
    numbers = {
        name: float(value)
        for name, value in execution.cumulative_metadata.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in AXES
    }
    chosen = list(numbers)[:MOST_CURVES]
    found = series(execution, chosen, INDEX_KEY, MOST_POINTS)
    return [Curve(name, numbers[name], polyline(found[name])) for name in chosen if len(found[name].y) > 1]


def polyline(points: Series) -> str:
    """The points scaled into the box, y upwards; a constant series is a line through the middle."""
    x_low, x_range = points.x[0], (points.x[-1] - points.x[0]) or 1
    y_low, y_range = min(points.y), max(points.y) - min(points.y)
    scaled = (
        (WIDTH * (x - x_low) / x_range, HEIGHT * (1 - (y - y_low) / y_range) if y_range else HEIGHT / 2)
        for x, y in zip(points.x, points.y, strict=True)
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in scaled)
