"""Distances in the graph; no Django."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from executions.lineage.kinds import Direction


def within(
    start: UUID, edges: Iterable[tuple[UUID, UUID, str]], ways: Sequence[Direction], depth: int
) -> set[UUID]:
    """Nodes that one gets to from the start by at most `depth` edges, all of them in one of the directions."""
    after: dict[UUID, list[UUID]] = defaultdict(list)
    before: dict[UUID, list[UUID]] = defaultdict(list)
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
