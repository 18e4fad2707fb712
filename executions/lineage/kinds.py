"""What the graph of lineage is made of: kinds of nodes, and the relations that link them.

A kind that comes later, such as versions of datasets, needs an entry in `KINDS`, its links in `LINKS`, and a loader of what is
shown of it in `nodes.py`. Both columns of a link have to be indexed.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    FILE = "file"
    EXECUTION = "execution"


class Direction(StrEnum):
    UP = "up"  # where it came from
    DOWN = "down"  # what was made with it
    BOTH = "both"


@dataclass(frozen=True)
class Table:
    """Rows of one kind of node. `condition` says which of them are there; its columns are those of `node`."""

    name: str
    condition: str = "TRUE"


@dataclass(frozen=True)
class Link:
    """A relation whose rows are edges, in the direction in which data flows."""

    source: Kind
    target: Kind
    table: str
    source_column: str
    target_column: str
    label_column: str = ""


KINDS = {
    Kind.FILE: Table("datastores_datum", "node.stored_at IS NOT NULL"),
    Kind.EXECUTION: Table("executions_execution"),
}
LINKS = (
    Link(Kind.EXECUTION, Kind.FILE, "datastores_datum", "output_execution_id", "id"),
    Link(Kind.FILE, Kind.EXECUTION, "executions_executioninput", "datum_id", "execution_id", "name"),
)
