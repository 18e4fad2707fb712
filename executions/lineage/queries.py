"""The SQL of lineage: everything within reach in one statement per direction, whatever the depth, then the edges between.

Only nodes in projects that the user may see are walked over, so that what lies behind a hidden one stays hidden as well.
"""

# ruff: noqa: S608  (names of tables and columns are the constants of `kinds`, values are parameters)

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from executions.lineage.kinds import KINDS, LINKS, Direction, Kind, Link
from organizations.access import visible_to
from projects.models import Project

Ids = Mapping[Kind, set[UUID]]
Edge = tuple[UUID, UUID, str]
"""Source, target, label."""


def reach(
    user: User, start: tuple[Kind, UUID], direction: Direction, *, width: int, limit: int
) -> list[tuple[Kind, UUID]]:
    """The start and what is within reach of it, nearest first, at most `limit` nodes; of each node the newest `width`
    neighbours are followed."""
    steps = "\n UNION ALL ".join(_step(link, direction) for link in LINKS)
    visible, visible_params = _visible(user)
    sql = f"""
        WITH RECURSIVE visible AS MATERIALIZED ({visible}),
        reached(kind, id) AS (
            SELECT %s::text, %s::uuid
            UNION
            SELECT step.kind, step.id FROM reached, LATERAL ({steps}) step
        )
        SELECT kind, id FROM reached LIMIT %s
    """
    params = [*visible_params, start[0].value, start[1], *[width] * len(LINKS), limit]
    return [(Kind(kind), node_id) for kind, node_id in _rows(sql, params)]


def edges_among(ids: Ids) -> list[Edge]:
    found: list[Edge] = []
    for link in LINKS:
        label = f"link.{link.label_column}" if link.label_column else "''"
        sql = f"""
            SELECT source.id, target.id, {label}
            FROM unnest(%s::uuid[]) AS source(id)
            JOIN {link.table} link ON link.{link.source_column} = source.id
            JOIN unnest(%s::uuid[]) AS target(id) ON target.id = link.{link.target_column}
        """
        sources, targets = ids.get(link.source, set()), ids.get(link.target, set())
        if sources and targets:
            found += _rows(sql, [list(sources), list(targets)])
    return found


def with_neighbours_outside(user: User, candidates: Ids, ids: Ids, direction: Direction) -> set[UUID]:
    """Those of the candidates that have a visible neighbour in the direction that is not among `ids`."""
    found: set[UUID] = set()
    visible, visible_params = _visible(user)
    for link in LINKS:
        near, far, near_column, far_column = _ends(link, direction)
        asked = candidates.get(near, set())
        if not asked:
            continue
        sql = f"""
            WITH visible AS MATERIALIZED ({visible})
            SELECT near.id FROM unnest(%s::uuid[]) AS near(id)
            WHERE EXISTS (
                SELECT FROM {link.table} link JOIN {KINDS[far].name} node ON node.id = link.{far_column}
                WHERE link.{near_column} = near.id AND link.{far_column} <> ALL(%s::uuid[]) AND {_is_there(far)}
            )
        """
        rows = _rows(sql, [*visible_params, list(asked), list(ids.get(far, set()))])
        found.update(node_id for (node_id,) in rows)
    return found


def _step(link: Link, direction: Direction) -> str:
    near, far, near_column, far_column = _ends(link, direction)
    return f"""(
        SELECT '{far}'::text AS kind, node.id AS id
        FROM {link.table} link JOIN {KINDS[far].name} node ON node.id = link.{far_column}
        WHERE reached.kind = '{near}' AND link.{near_column} = reached.id AND {_is_there(far)}
        ORDER BY link.{far_column} DESC LIMIT %s
    )"""


def _ends(link: Link, direction: Direction) -> tuple[Kind, Kind, str, str]:
    """Kinds and columns of the near and the far end, for somebody who walks in the direction."""
    if direction is Direction.DOWN:
        return link.source, link.target, link.source_column, link.target_column
    return link.target, link.source, link.target_column, link.source_column


def _is_there(kind: Kind) -> str:
    return f"{KINDS[kind].condition} AND node.project_id IN (SELECT id FROM visible)"


def _visible(user: User) -> tuple[str, Iterable[Any]]:
    sql, params = Project.objects.filter(visible_to(user)).values("id").query.sql_with_params()
    return sql, params


def _rows(sql: str, params: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
