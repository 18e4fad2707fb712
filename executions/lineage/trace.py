"""The trace of a file or an execution: where it came from and what was made with it, as a graph of nodes and edges."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.models import User
from executions.lineage import nodes, queries
from executions.lineage.kinds import Direction, Kind
from executions.lineage.planner import within
from executions.lineage.queries import Edge

MOST_NODES = 10_000
MOST_NEIGHBOURS = 10_000


@dataclass(frozen=True)
class Limits:
    """`depth` counts edges from the start; None is any number."""

    nodes: int = 500
    neighbours: int = 100
    depth: int | None = None


def trace(user: User, kind: Kind, node_id: UUID, direction: Direction, limits: Limits) -> dict[str, Any]:
    """`{start, direction, nodes, edges, truncated}`. A node has `more_up` or `more_down` where the limits left out neighbours
    in that direction; `truncated` says whether any has. The user sees the start."""
    reached: dict[UUID, Kind] = {node_id: kind}
    seen_in: dict[Direction, set[UUID]] = {}
    full = False
    for way in _ways(direction):
        found = queries.reach(user, (kind, node_id), way, width=limits.neighbours, limit=limits.nodes + 1)
        full = full or len(found) > limits.nodes
        reached |= {found_id: found_kind for found_kind, found_id in found[: limits.nodes]}
        seen_in[way] = {found_id for _, found_id in found[: limits.nodes]}
    edges = queries.edges_among(_by_kind(reached, reached))
    if limits.depth is not None:
        near = within(node_id, edges, _ways(direction), limits.depth)
        full = full or len(near) < len(reached)
        reached = {known: kind for known, kind in reached.items() if known in near}
        edges = [edge for edge in edges if edge[0] in near and edge[1] in near]
    more = {way: _cut(user, reached, seen_in[way], edges, way, limits, full=full) for way in _ways(direction)}
    return _body(node_id, direction, reached, edges, more)


def _ways(direction: Direction) -> tuple[Direction, ...]:
    return (Direction.UP, Direction.DOWN) if direction is Direction.BOTH else (direction,)


def _cut(
    user: User,
    reached: Mapping[UUID, Kind],
    seen: set[UUID],
    edges: Iterable[Edge],
    way: Direction,
    limits: Limits,
    *,
    full: bool,
) -> set[UUID]:
    """Nodes whose neighbours in the direction are not all there. When the graph is not full, only those can be which have as
    many neighbours as are followed."""
    counts = Counter(target if way is Direction.UP else source for source, target, _ in edges)
    asked = {known for known in seen if known in reached and (full or counts[known] >= limits.neighbours)}
    if not asked:
        return set()
    return queries.with_neighbours_outside(user, _by_kind(asked, reached), _by_kind(reached, reached), way)


def _by_kind(ids: Iterable[UUID], kinds: Mapping[UUID, Kind]) -> dict[Kind, set[UUID]]:
    found: dict[Kind, set[UUID]] = defaultdict(set)
    for node_id in ids:
        found[kinds[node_id]].add(node_id)
    return found


def _body(
    start: UUID,
    direction: Direction,
    reached: Mapping[UUID, Kind],
    edges: list[Edge],
    more: Mapping[Direction, set[UUID]],
) -> dict[str, Any]:
    cut_up = {str(node_id) for node_id in more.get(Direction.UP, ())}
    cut_down = {str(node_id) for node_id in more.get(Direction.DOWN, ())}
    shown = []
    for node in nodes.load(_by_kind(reached, reached)):
        node["more_up"] = node["id"] in cut_up
        node["more_down"] = node["id"] in cut_down
        shown.append(node)
    there = {node["id"] for node in shown}
    drawn = sorted((str(source), str(target), label) for source, target, label in edges)
    return {
        "start": str(start),
        "direction": direction.value,
        "nodes": sorted(shown, key=lambda node: (node["ctime"], node["id"])),
        "edges": [
            {"from": source, "to": target, "name": label}
            for source, target, label in drawn
            if source in there and target in there
        ],
        "truncated": bool(cut_up or cut_down),
    }
