"""What was run when. The same seed tells the same story again, so that it is told anew to whoever needs it instead of being
kept: memory stays small however many executions there are."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

YEARS_MILLISECONDS = 2 * 365 * 86_400_000
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Run:
    """One execution: the `number`-th of the installation, in order of time, and the `counter`-th of its project."""

    number: int
    project: int
    counter: int
    created_ms: int


@dataclass
class Summary:
    """What is known of each project once everything has been run. Times are Unix milliseconds, 0 for never."""

    runs: "array[int]"
    first_ms: "array[int]"
    last_ms: "array[int]"


@dataclass
class Activity:
    projects: int
    executions: int
    seed: int
    end_ms: int
    _weights: list[float] = field(init=False)

    def __post_init__(self) -> None:
        rng = Random(f"weights {self.seed}")  # noqa: S311
        ranks = list(range(1, self.projects + 1))
        rng.shuffle(ranks)
        self._weights = list(accumulate(rank**-0.8 for rank in ranks))

    def runs(self) -> Iterator[Run]:
        """Every execution, oldest first; there are more of them as time goes by."""
        rng = Random(f"runs {self.seed}")  # noqa: S311
        counters = array("q", bytes(8 * self.projects))
        choices = range(self.projects)
        for begin in range(0, self.executions, _BATCH):
            size = min(_BATCH, self.executions - begin)
            for offset, project in enumerate(rng.choices(choices, cum_weights=self._weights, k=size)):
                counters[project] += 1
                number = begin + offset
                yield Run(number, project, counters[project], self.moment(number))

    def moment(self, number: int) -> int:
        """Unix milliseconds of the `number`-th execution."""
        passed = ((number + 1) / self.executions) ** 0.5
        return self.end_ms - YEARS_MILLISECONDS + int(YEARS_MILLISECONDS * passed)

    def summary(self) -> Summary:
        found = Summary(*(array("q", bytes(8 * self.projects)) for _ in range(3)))
        for run in self.runs():
            found.runs[run.project] = run.counter
            found.first_ms[run.project] = found.first_ms[run.project] or run.created_ms
            found.last_ms[run.project] = run.created_ms
        return found
