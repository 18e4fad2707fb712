"""What is measured, how it is printed, and what it is compared with."""

import json
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Reference:
    """A peer, or what the parts below can do at best, measured on a machine like ours, in the figure's unit."""

    name: str
    value: float


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    unit: str
    aim: float | None = None
    more_is_better: bool = False
    references: Sequence[Reference] = field(default=())

    @property
    def met(self) -> bool | None:
        if self.aim is None:
            return None
        return self.value >= self.aim if self.more_is_better else self.value <= self.aim

    def ratios(self) -> str:
        """How many times better than each reference."""
        return ", ".join(
            f"{show(self._times_better(reference.value))}x {reference.name} ({show(reference.value)})"
            for reference in self.references
        )

    def _times_better(self, other: float) -> float:
        better, worse = (self.value, other) if self.more_is_better else (other, self.value)
        return better / worse if worse else math.inf


def percentile(values: Iterable[float], percent: float) -> float:
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    low, high = math.floor(position), math.ceil(position)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def calibration_ms() -> float:
    """A fixed loop: more than on the idle machine means that somebody else was working, too."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        total = 0
        for number in range(2_000_000):
            total += number
        took.append((time.perf_counter() - began) * 1000)
    return round(percentile(took, 50), 1)


def print_line(figure: Figure) -> None:
    """One JSON object a line, for programs."""
    line = {"at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "calibration_ms": calibration_ms(), "met": figure.met}
    print(json.dumps({**asdict(figure), **line}), flush=True)


def print_table(figures: Sequence[Figure]) -> None:
    rows = [("figure", "measured", "aim", "", "times better than")]
    rows += [
        (
            figure.name,
            f"{show(figure.value)} {figure.unit}",
            "" if figure.aim is None else f"{'>=' if figure.more_is_better else '<='} {show(figure.aim)}",
            {True: "met", False: "MISSED", None: ""}[figure.met],
            figure.ratios(),
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
