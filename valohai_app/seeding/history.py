"""Rows of what happened: executions, the files they made, and the audit log."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from audit.models import AuditEvent
from datastores.models import Datum, DatumAlias
from executions.models import Execution
from executions.types import Status
from valohai_app.seeding.activity import Activity, Run
from valohai_app.seeding.copying import Copied, Table, copy_all
from valohai_app.seeding.identities import DAY_MS, Kind, moment
from valohai_app.seeding.tenants import STEPS, Rows, Tenants

_TAGS = ("nightly", "baseline", "gpu", "sweep", "paper", "release", "debug", "v2")
_ENDS = (Status.COMPLETE, Status.ERROR, Status.STOPPED, Status.CRASHED)
_END_WEIGHTS = (70, 18, 9, 3)
_UNFINISHED = (Status.CREATED, Status.QUEUED, Status.STARTED)
_ONE_UNFINISHED_IN = 1000
"""Of the executions the last thousandth waits or runs."""
_ONE_DELETED_IN = 100
_ONE_ALIAS_IN = 50
_KINDS_OF_EVENT = (
    "execution.created",
    "execution.stopped",
    "project.changed",
    "member.added",
    "user.signed_in",
)
_AUDITED_DAYS = 180


@dataclass(frozen=True)
class History:
    tenants: Tenants
    activity: Activity
    seed: int

    def copy(self, copied: Copied) -> dict[str, int]:
        base = ("id", "created_at", "updated_at")
        tables = [
            (
                Table(
                    Execution, *base, "project_id", "counter", "creator_id", "commit_id", "environment_id", "status",
                    "step", "title", "tags", "image", "command", "interpolated_command", "parameters",
                    "cumulative_metadata", "queued_at", "started_at", "ended_at", "log_sealed_at", "deleted_at",
                    "exit_code", "epoch", "output_count",
                ),
                self.executions(),
            ),
            (
                Table(
                    Datum, *base, "store_id", "project_id", "output_execution_id", "output_execution_counter",
                    "name", "key", "size_bytes", "stored_at", "tags",
                ),
                self.datums(),
            ),
            (Table(DatumAlias, *base, "project_id", "name", "datum_id"), self.aliases()),
            (
                Table(
                    AuditEvent, "id", "created_at", "kind", "actor_id", "actor_name", "target_kind", "target_id",
                    "target_name", "owner_ids", "project_id", "project_name", "channel",
                ),
                self.audit_events(),
            ),
        ]  # fmt: skip
        return copy_all(tables, copied)

    def executions(self) -> Rows:
        tenants, ids = self.tenants, self.tenants.ids
        rng = Random(f"executions {self.seed}")  # noqa: S311
        first_unfinished = self.activity.executions - self.activity.executions // _ONE_UNFINISHED_IN
        for run in self.activity.runs():
            holding = tenants.population.holdings[run.project]
            runs = tenants.summary.runs[run.project]
            commit = (run.counter - 1) * tenants.commit_count(run.project) // runs
            luck = rng.random()
            is_final = run.number < first_unfinished
            status = rng.choices(_ENDS, _END_WEIGHTS)[0] if is_final else rng.choice(_UNFINISHED)
            created = moment(run.created_ms)
            queued = None if status == Status.CREATED else moment(run.created_ms + 1000)
            started = moment(run.created_ms + 15_000) if is_final or status == Status.STARTED else None
            ended = moment(run.created_ms + 30_000 + luck * 7_200_000) if is_final else None
            is_deleted = is_final and run.number % _ONE_DELETED_IN == 7
            step = STEPS[int(luck * 97) % len(STEPS)]
            tags = f"{{{_TAGS[int(luck * 1000) % len(_TAGS)]}}}" if luck < 0.3 else "{}"
            epochs = 1 + int(luck * 50)
            metadata = f'{{"epoch": {epochs}, "loss": {luck:.4f}}}' if status == Status.COMPLETE else "{}"
            yield (
                self._execution(run), created, ended or created, tenants.project(run.project), run.counter,
                ids.user(holding.creator), tenants.commit(run.project, commit),
                tenants.environment_of(holding, run.number), status.value, step,
                f"Run {run.counter}" if luck > 0.5 else "", tags, "python:3.11", f"python {step}.py {{parameters}}",
                f"python {step}.py --epochs={epochs}", f'{{"epochs": {epochs}}}', metadata, queued, started, ended,
                ended, ended if is_deleted else None, _exit_code(status), 1 if started else 0,
                self._files_until(run.number + 1) - self._files_until(run.number),
            )  # fmt: skip

    def _execution(self, run: Run) -> str:
        return self.tenants.ids.of(Kind.EXECUTION, run.number, run.created_ms)

    def _files_until(self, number: int) -> int:
        """How many files the first `number` executions made; the unfinished ones have none."""
        finished = self.activity.executions - self.activity.executions // _ONE_UNFINISHED_IN
        return min(number, finished) * self.tenants.population.sizes.datums // finished if finished else 0

    def _outputs(self) -> Iterator[tuple[Run, int, str]]:
        """Every file: the run that made it, its number and its id."""
        for run in self.activity.runs():
            for number in range(self._files_until(run.number), self._files_until(run.number + 1)):
                yield run, number, self.tenants.ids.of(Kind.DATUM, number, run.created_ms + 30_000)

    def datums(self) -> Rows:
        store = self.tenants.open_store
        for run, number, identity in self._outputs():
            when = moment(run.created_ms + 30_000)
            name = f"model-{number}.bin" if number % 3 else "metrics.json"
            key = f"data/seeded/{run.project}/{number}/{name}"
            project, execution = self.tenants.project(run.project), self._execution(run)
            tags = f"{{{_TAGS[number % len(_TAGS)]}}}" if number % 5 == 0 else "{}"
            yield (
                identity,
                when,
                when,
                store,
                project,
                execution,
                run.counter,
                name,
                key,
                number % 10**7,
                when,
                tags,
            )

    def aliases(self) -> Rows:
        for run, number, datum in self._outputs():
            if number % _ONE_ALIAS_IN == 0:
                when = moment(run.created_ms + 60_000)
                identity = self.tenants.ids.of(Kind.ALIAS, number, run.created_ms + 60_000)
                yield identity, when, when, self.tenants.project(run.project), f"best-{number}", datum

    def audit_events(self) -> Rows:
        """Evenly over the days that are kept; they speak of projects, and their owners may read them."""
        tenants = self.tenants
        rng = Random(f"audit {self.seed}")  # noqa: S311
        total = tenants.population.sizes.audit_events
        for number in range(total):
            project = rng.randrange(tenants.population.sizes.projects)
            holding = tenants.population.holdings[project]
            when_ms = tenants.end_ms - _AUDITED_DAYS * DAY_MS * (total - number) // total
            kind = _KINDS_OF_EVENT[number % len(_KINDS_OF_EVENT)]
            actor = holding.creator
            name = f"project-{project}"
            yield (
                tenants.ids.of(Kind.AUDIT_EVENT, number, when_ms), moment(when_ms), kind,
                tenants.ids.user(actor), tenants.username(actor), kind.split(".")[0], tenants.project(project),
                name, f"{{{tenants.owner(holding)}}}", tenants.project(project), name, "api",
            )  # fmt: skip


def _exit_code(status: Status) -> int | None:
    return {Status.COMPLETE: 0, Status.ERROR: 1}.get(status)
