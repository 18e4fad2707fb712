"""The trace of a file, an execution or a version of a dataset: where it came from and what was made with it, as a graph of nodes
and edges."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID

from accounts.models import User
from executions.lineage import nodes, queries
from executions.lineage.kinds import Direction, Kind
from executions.lineage.planner import Edge, within, without_short_cuts

MOST_NODES = 10_000
MOST_NEIGHBOURS = 10_000


@dataclass(frozen=True)
class Limits:
    """`depth` counts edges from the start; None is any number."""

    nodes: int = 500
    neighbours: int = 100
    depth: int | None = None


def trace(
    user: User, kind: Kind, node_id: UUID, direction: Direction, limits: Limits, *, home: UUID | None = None
) -> dict[str, Any]:
    """`{start, direction, nodes, edges, truncated}`. A node has `more_up` or `more_down` where the limits left out neighbours
    in that direction; `truncated` says whether any has. The user sees the start. `home` is the project on whose pages
    versions of datasets are shown, where it has them; otherwise it is another one that the user sees."""
    start, ways, sight = str(node_id), _ways(direction), queries.Sight.of(user)
    reached: dict[str, Kind] = {start: kind}
    seen_in: dict[Direction, set[str]] = {}
    full = False
    for way in ways:
        found = queries.reach(sight, (kind, start), way, width=limits.neighbours, limit=limits.nodes + 1)
        full = full or len(found) > limits.nodes
        reached |= {found_id: found_kind for found_kind, found_id in found[: limits.nodes]}
        seen_in[way] = {found_id for _, found_id in found[: limits.nodes]}
    edges = without_short_cuts(queries.edges_among(_by_kind(reached)), reached)
    if limits.depth is not None:
        near = within(start, edges, ways, limits.depth)
        full = full or len(near) < len(reached)
        reached = {known: kind for known, kind in reached.items() if known in near}
        edges = [edge for edge in edges if edge[0] in near and edge[1] in near]
    more = {way: _cut(sight, reached, seen_in[way], edges, way, limits, full=full) for way in ways}
    shown = list(nodes.load(user, _by_kind(reached), home))
    cut_up, cut_down = more.get(Direction.UP, set()), more.get(Direction.DOWN, set())
    for node in shown:
        node["more_up"] = node["id"] in cut_up
        node["more_down"] = node["id"] in cut_down
    return {
        "start": start,
        "direction": direction.value,
        "nodes": sorted(shown, key=itemgetter("ctime", "id")),
        "edges": _drawn(edges, {node["id"] for node in shown}),
        "truncated": any(more.values()),
    }


def _ways(direction: Direction) -> tuple[Direction, ...]:
    return (Direction.UP, Direction.DOWN) if direction is Direction.BOTH else (direction,)


def _cut(
    sight: queries.Sight,
    reached: Mapping[str, Kind],
    seen: set[str],
    edges: Iterable[Edge],
    way: Direction,
    limits: Limits,
    *,
    full: bool,
) -> set[str]:
    """Nodes whose neighbours in the direction are not all there. When the graph is not full, only those can be which have as
    many neighbours as are followed, and versions that stand for their files."""
    near_end = itemgetter(1 if way is Direction.UP else 0)
    counts = Counter(map(near_end, edges)) if not full else {}
    asked = {known for known in seen if full or counts.get(known, 0) >= limits.neighbours} & reached.keys()
    if way is Direction.UP:
        asked |= {known for known in seen if reached.get(known) is Kind.VERSION}
    if not asked:
        return set()
    near = _by_kind({known: reached[known] for known in asked})
    return queries.with_neighbours_outside(sight, near, _by_kind(reached), way)


def _by_kind(kinds: Mapping[str, Kind]) -> dict[Kind, set[str]]:
    return {kind: {node_id for node_id, is_of in kinds.items() if is_of is kind} for kind in Kind}


def _drawn(edges: Iterable[Edge], there: set[str]) -> list[dict[str, str]]:
    return [
        {"from": source, "to": target, "name": label}
        for source, target, label in edges
        if source in there and target in there
    ]
