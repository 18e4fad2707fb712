"""The SQL of lineage: everything within reach in one statement per direction, whatever the depth, then the edges between.

Only nodes in projects and datasets that the user may see are walked over, so that what lies behind a hidden one stays hidden as
well. Ids are text all along: there may be ten thousand, and they are only compared and written.
"""

# ruff: noqa: S608  (names of tables and columns are the constants of `kinds`, values are parameters)

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.db import connection

from accounts.models import User
from datastores.datasets.access import datasets_seen_by
from executions.lineage.kinds import KINDS, LINKS, Direction, Kind, Link
from executions.lineage.planner import Edge
from organizations.access import visible_to
from projects.models import Project

_KINDS = {kind.value: kind for kind in Kind}
Ids = Mapping[Kind, set[str]]


@dataclass(frozen=True)
class Sight:
    """What the user may see, as the queries that `Table.condition` uses; what no condition asks for is not evaluated."""

    sql: str
    params: list[Any]

    @classmethod
    def of(cls, user: User) -> Self:
        visible = Project.objects.filter(visible_to(user)).values("id").query.sql_with_params()
        datasets = datasets_seen_by(user).values("id").query.sql_with_params()
        sql = f"visible AS MATERIALIZED ({visible[0]}), visible_datasets AS MATERIALIZED ({datasets[0]})"
        return cls(sql, [*visible[1], *datasets[1]])


def reach(
    sight: Sight, start: tuple[Kind, str], direction: Direction, *, width: int, limit: int
) -> list[tuple[Kind, str]]:
    """The start and what is within reach of it, nearest first, at most `limit` nodes; of each node the newest `width`
    neighbours are followed."""
    links = [link for link in LINKS if _condition(link, direction) != "FALSE"]
    steps = "\n UNION ALL ".join(_step(link, direction) for link in links)
    sql = f"""
        WITH RECURSIVE {sight.sql},
        start(kind, id) AS (SELECT %s::text, %s::uuid),
        reached(kind, id) AS (
            SELECT kind, id FROM start
            UNION
            SELECT step.kind, step.id FROM reached, LATERAL ({steps}) step
        )
        SELECT kind, id::text FROM reached LIMIT %s
    """
    params = [*sight.params, start[0].value, start[1], *[width] * len(links), limit]
    return [(_KINDS[kind], node_id) for kind, node_id in _rows(sql, params)]


def edges_among(ids: Ids) -> set[Edge]:
    found: set[Edge] = set()
    for link in LINKS:
        label = f"link.{link.label_column}" if link.label_column else "''"
        sql = f"""
            SELECT source.id::text, target.id::text, {label}
            FROM unnest(%s::uuid[]) AS source(id)
            JOIN {link.table} link ON link.{link.source_column} = source.id
            JOIN unnest(%s::uuid[]) AS target(id) ON target.id = link.{link.target_column}
        """
        sources, targets = ids.get(link.source), ids.get(link.target)
        if sources and targets:
            found.update(_rows(sql, [as_array(sources), as_array(targets)]))
    return found


def with_neighbours_outside(sight: Sight, candidates: Ids, ids: Ids, direction: Direction) -> set[str]:
    """Those of the candidates that have a visible neighbour in the direction that is not among `ids`."""
    found: set[str] = set()
    for link in LINKS:
        near, far, near_column, far_column = _ends(link, direction)
        asked = candidates.get(near)
        if not asked or link.is_summary:
            continue
        sql = f"""
            WITH {sight.sql}
            SELECT near.id::text FROM unnest(%s::uuid[]) AS near(id)
            WHERE EXISTS (
                SELECT FROM {link.table} link JOIN {KINDS[far].name} node ON node.id = link.{far_column}
                WHERE link.{near_column} = near.id AND link.{far_column} <> ALL(%s::uuid[]) AND {KINDS[far].condition}
            )
        """
        rows = _rows(sql, [*sight.params, as_array(asked), as_array(ids.get(far, ()))])
        found.update(node_id for (node_id,) in rows)
    return found


def as_array(ids: Iterable[str]) -> str:
    """One parameter instead of thousands."""
    return "{" + ",".join(ids) + "}"


def _step(link: Link, direction: Direction) -> str:
    near, far, near_column, far_column = _ends(link, direction)
    return f"""(
        SELECT '{far}'::text AS kind, node.id AS id
        FROM {link.table} link JOIN {KINDS[far].name} node ON node.id = link.{far_column}
        WHERE reached.kind = '{near}' AND link.{near_column} = reached.id
            AND ({_condition(link, direction)}) AND {KINDS[far].condition}
        ORDER BY link.{far_column} DESC LIMIT %s
    )"""


def _condition(link: Link, direction: Direction) -> str:
    return link.down if direction is Direction.DOWN else link.up


def _ends(link: Link, direction: Direction) -> tuple[Kind, Kind, str, str]:
    """Kinds and columns of the near and the far end, for somebody who walks in the direction."""
    if direction is Direction.DOWN:
        return link.source, link.target, link.source_column, link.target_column
    return link.target, link.source, link.target_column, link.source_column


def _rows(sql: str, params: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
