"""What lists of executions can filter, sort and show. Reads only; HTTP stays in `web/` and `api/`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTransform

from executions.models import Execution
from executions.types import INCOMPLETE, RUNNING, Status
from projects.models import Project, ProjectCounter

SORTABLE: Mapping[str, str] = {
    "counter": "counter",
    "created": "created_at",
    "started": "started_at",
    "ended": "ended_at",
    "status": "status",
    "step": "step",
    "title": "title",
    "environment": "environment__name",
    "creator": "creator__username",
}
SAMPLE_SIZE = 200
"""Choices for filters and columns come from this many of the newest executions: bounded work, whatever the size."""
COUNT_LIMIT = 10_000
LIST_FIELDS = (
    "id", "project_id", "counter", "status", "status_detail", "waiting_reason", "error_text", "step", "title", "tags",
    "created_at", "queued_at", "started_at", "ended_at", "output_count",
    "environment__id", "environment__name", "environment__slug", "creator__username",
    "commit__id", "commit__identifier", "commit__adhoc", "commit__ref",
)  # fmt: skip


@dataclass(frozen=True)
class ListQuery:
    """One view of the list. `sort` is a name of SORTABLE, or `m:<metadata key>` / `p:<parameter>`; `-` reverses."""

    statuses: Sequence[str] = ()
    step: str = ""
    creator: str = ""
    tag: str = ""
    text: str = ""
    sort: str = "-counter"

    @property
    def is_filtered(self) -> bool:
        return bool(self.statuses or self.step or self.creator or self.tag or self.text)


@dataclass(frozen=True)
class Choices:
    """What can be chosen in filters and as columns."""

    steps: Sequence[str] = ()
    creators: Sequence[str] = ()
    tags: Sequence[str] = ()
    metadata: Sequence[str] = ()
    parameters: Sequence[str] = ()


@dataclass(frozen=True)
class ProjectActivity:
    """The figures of one project on the home page."""

    runs: int = 0
    waiting: int = 0
    running: int = 0
    latest: Execution | None = None


def listed(executions: QuerySet[Execution], query: ListQuery) -> QuerySet[Execution]:
    """The executions of `query`, in its order, without the heavy columns."""
    wanted = filtered(executions, query).order_by(*ordering(query.sort))
    return wanted.select_related(None).select_related("commit", "environment", "creator").only(*LIST_FIELDS)


def filtered(executions: QuerySet[Execution], query: ListQuery) -> QuerySet[Execution]:
    wanted = executions.filter(deleted_at__isnull=True)
    if query.statuses:
        wanted = wanted.filter(status__in=expand_statuses(query.statuses))
    if query.step:
        wanted = wanted.filter(step=query.step)
    if query.creator:
        wanted = wanted.filter(creator__username=query.creator)
    if query.tag:
        wanted = wanted.filter(tags__contains=[query.tag])
    if query.text:
        wanted = wanted.filter(matching(query.text))
    return wanted


def expand_statuses(statuses: Iterable[str]) -> set[str]:
    """`incomplete` stands for every status that is not final; unknown names match nothing."""
    named = set(statuses)
    return (named & set(Status)) | (set(INCOMPLETE) if "incomplete" in named else set())


def matching(text: str) -> Q:
    """A number is a counter; any text is looked for in title, step, tags and commit."""
    text = text.strip()
    found = (
        Q(title__icontains=text) | Q(step__icontains=text) | Q(tags__contains=[text]) | Q(commit__identifier__startswith=text)
    )  # fmt: skip
    digits = text.lstrip("#")
    if digits.isdecimal() and len(digits) < 19:
        found |= Q(counter=int(digits))
    return found


def ordering(sort: str) -> tuple[Combinable | str, ...]:
    """The order of `sort`; rows without a value come last, equal ones newest first."""
    name, reverse = sort.removeprefix("-"), sort.startswith("-")
    source: Combinable
    if name.startswith("m:"):
        source = KeyTransform(name[2:], "cumulative_metadata")
    elif name.startswith("p:"):
        source = KeyTransform(name[2:], "parameters")
    elif name == "counter" or name not in SORTABLE:
        return ("counter",) if name == "counter" and not reverse else ("-counter",)
    else:
        source = F(SORTABLE[name])
    by_value = source.desc(nulls_last=True) if reverse else source.asc(nulls_last=True)
    return (by_value, "-counter")


def count_up_to(executions: QuerySet[Execution], limit: int = COUNT_LIMIT) -> tuple[int, bool]:
    """How many, counted no further than `limit`, and whether there are more."""
    found = executions.order_by().values("pk")[: limit + 1].count()
    return min(found, limit), found > limit


def choices_of(executions: QuerySet[Execution]) -> Choices:
    """Filter and column choices, from the newest executions of the project."""
    rows = (
        executions.filter(deleted_at__isnull=True)
        .order_by("-counter")
        .values_list("step", "creator__username", "tags", "cumulative_metadata", "parameters")[:SAMPLE_SIZE]
    )
    # Dictionaries keep the order of first appearance: metadata keys stay in the order in which they were logged.
    steps: dict[str, None] = {}
    creators: dict[str, None] = {}
    tags: dict[str, None] = {}
    metadata: dict[str, None] = {}
    parameters: dict[str, None] = {}
    for step, creator, row_tags, row_metadata, row_parameters in rows:
        steps[step] = None
        if creator:
            creators[creator] = None
        tags.update(dict.fromkeys(row_tags))
        metadata.update(dict.fromkeys(row_metadata))
        parameters.update(dict.fromkeys(row_parameters))
    return Choices(sorted(steps), sorted(creators), sorted(tags), list(metadata), list(parameters))


def activity_of(projects: Sequence[Project]) -> dict[UUID, ProjectActivity]:
    """Runs, unfinished runs and the latest run of each project, in three queries however many there are."""
    ids = [project.pk for project in projects]
    runs = dict(
        ProjectCounter.objects.filter(project__in=ids, kind="execution").values_list(
            "project_id", "last_value"
        )
    )
    unfinished = (
        Execution.objects.filter(project__in=ids, ended_at__isnull=True, deleted_at__isnull=True)
        .values("project_id")
        .annotate(running=Count("pk", filter=Q(status__in=RUNNING)), total=Count("pk"))
    )
    live = {row["project_id"]: row for row in unfinished}
    latest = {execution.project_id: execution for execution in latest_of(ids)}
    return {
        project_id: ProjectActivity(
            runs=runs.get(project_id, 0),
            running=live[project_id]["running"] if project_id in live else 0,
            waiting=live[project_id]["total"] - live[project_id]["running"] if project_id in live else 0,
            latest=latest.get(project_id),
        )
        for project_id in ids
    }


def latest_of(project_ids: Sequence[UUID]) -> QuerySet[Execution]:
    """The newest execution of each project, by one index look-up per project."""
    newest = Execution.objects.filter(project=OuterRef("pk"), deleted_at__isnull=True).order_by("-counter")
    ids = Project.objects.filter(pk__in=project_ids).values(newest=Subquery(newest.values("pk")[:1]))
    return Execution.objects.filter(pk__in=ids).only(
        "id", "project_id", "counter", "status", "step", "title", "created_at", "ended_at"
    )
