"""Distances and edges in the graph; no Django."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from executions.lineage.kinds import Direction, Kind

Edge = tuple[str, str, str]
"""Source, target, label."""


def within(start: str, edges: Iterable[Edge], ways: Sequence[Direction], depth: int) -> set[str]:
    """Nodes that one gets to from the start by at most `depth` edges, all of them in one of the directions."""
    after: dict[str, list[str]] = defaultdict(list)
    before: dict[str, list[str]] = defaultdict(list)
    for source, target, _ in edges:
        after[source].append(target)
        before[target].append(source)
    near = {start}
    for way in ways:
        neighbours = after if way is Direction.DOWN else before
        seen = frontier = {start}
        for _ in range(depth):
            frontier = {other for node in frontier for other in neighbours[node]} - seen
            if not frontier:
                break
            seen = seen | frontier
        near |= seen
    return near


def without_short_cuts(edges: Iterable[Edge], kinds: Mapping[str, Kind]) -> list[Edge]:
    """Without edges from an execution to a version of a dataset where a file between them tells the same."""
    listed = list(edges)
    if Kind.VERSION not in kinds.values():
        return listed
    versions_of: dict[str, set[str]] = defaultdict(set)
    for source, target, _ in listed:
        if kinds[source] is Kind.FILE and kinds[target] is Kind.VERSION:
            versions_of[source].add(target)
    told = {
        (source, version)
        for source, target, _ in listed
        if kinds[source] is Kind.EXECUTION and target in versions_of
        for version in versions_of[target]
    }
    return [edge for edge in listed if edge[:2] not in told]
