"""What the graph of lineage is made of: kinds of nodes, and the relations that link them.

A kind that comes later needs an entry in `KINDS`, its links in `LINKS`, and a loader of what is shown of it in `nodes.py`. Both
columns of a link have to be indexed. Why versions stand for their files: docs/decisions/0255-versions-stand-for-their-files.md.
"""

from dataclasses import dataclass
from enum import StrEnum

# ruff: noqa: S608  (everything that stands in these texts is a constant)


class Kind(StrEnum):
    FILE = "file"
    EXECUTION = "execution"
    VERSION = "version"  # of a dataset
    ADDRESS = "address"  # in a store or on the web, of a file that is not in the platform's books


class Direction(StrEnum):
    UP = "up"  # where it came from
    DOWN = "down"  # what was made with it
    BOTH = "both"


@dataclass(frozen=True)
class Table:
    """Rows of one kind of node. `condition` says which of them are there for the user; its columns are those of `node`, and it
    may use the queries `visible`, of projects, and `visible_datasets`."""

    name: str
    condition: str


@dataclass(frozen=True)
class Link:
    """A relation whose rows are edges, in the direction in which data flows. `table` is a table or a query in parentheses.

    `up` and `down` say from which nodes (`reached`) it is followed in that direction; they may use `start`. They name no column
    of the link, so that they are asked once for each node and not for each of its neighbours.
    A link that `is_summary` repeats in short what others tell in full; it does not show where a trace goes on.
    """

    source: Kind
    target: Kind
    table: str
    source_column: str
    target_column: str
    label_column: str = ""
    up: str = "TRUE"
    down: str = "TRUE"
    is_summary: bool = False


_IN_VISIBLE_PROJECT = "node.project_id IN (SELECT id FROM visible)"
_USES = "executions_executioninput"

MOST_FILES_SHOWN = 20
"""A version with more stands for its files, unless the trace begins at it."""
FILES_LOOKED_AT = 2000
"""Of a version, to find the executions that made them."""

_SHOWN_WITH_FILES = f"""reached.id = (SELECT id FROM start) OR EXISTS (
    SELECT FROM datastores_datasetversion version
    WHERE version.id = reached.id AND version.file_count <= {MOST_FILES_SHOWN}
)"""
_MADE_FILES_OF_VERSION = f"""(
    SELECT version.id AS version_id, maker.execution_id
    FROM datastores_datasetversion version, LATERAL (
        SELECT DISTINCT datum.output_execution_id AS execution_id
        FROM (
            SELECT file.datum_id FROM datastores_datasetfile file
            WHERE file.version_id = version.id ORDER BY file.id LIMIT {FILES_LOOKED_AT}
        ) file JOIN datastores_datum datum ON datum.id = file.datum_id
        WHERE datum.output_execution_id IS NOT NULL
    ) maker
)"""
_FILE_AT_ADDRESS = """datum.store_id = address.store_id AND md5(address.key) = md5(datum.key)
    AND datum.key = address.key AND datum.project_id = address.project_id AND datum.stored_at IS NOT NULL"""
_READ_BY_ADDRESS = f"""(
    SELECT datum.id AS datum_id, used.execution_id, used.name
    FROM datastores_datum datum
    JOIN executions_inputaddress address ON {_FILE_AT_ADDRESS} AND datum.is_adopted
    JOIN {_USES} used ON used.address_id = address.id
)"""

KINDS = {
    Kind.FILE: Table("datastores_datum", f"node.stored_at IS NOT NULL AND {_IN_VISIBLE_PROJECT}"),
    Kind.EXECUTION: Table("executions_execution", _IN_VISIBLE_PROJECT),
    Kind.VERSION: Table("datastores_datasetversion", "node.dataset_id IN (SELECT id FROM visible_datasets)"),
    Kind.ADDRESS: Table(
        "executions_inputaddress",
        f"""{_IN_VISIBLE_PROJECT} AND NOT EXISTS (
            SELECT FROM datastores_datum datum
            WHERE {_FILE_AT_ADDRESS.replace("address.", "node.")} AND datum.is_adopted
        )""",
    ),
}
LINKS = (
    Link(Kind.EXECUTION, Kind.FILE, "datastores_datum", "output_execution_id", "id"),
    Link(Kind.FILE, Kind.EXECUTION, _USES, "datum_id", "execution_id", "name"),
    Link(Kind.FILE, Kind.EXECUTION, _READ_BY_ADDRESS, "datum_id", "execution_id", "name"),
    Link(
        Kind.FILE, Kind.VERSION, "datastores_datasetfile", "datum_id", "version_id", up=_SHOWN_WITH_FILES
    ),
    Link(Kind.VERSION, Kind.EXECUTION, _USES, "version_id", "execution_id", "name"),
    Link(Kind.EXECUTION, Kind.VERSION, "datastores_datasetversion", "execution_id", "id"),
    Link(
        Kind.EXECUTION, Kind.VERSION, _MADE_FILES_OF_VERSION, "execution_id", "version_id",
        down="FALSE", is_summary=True,
    ),
    Link(Kind.ADDRESS, Kind.EXECUTION, _USES, "address_id", "execution_id", "name"),
)  # fmt: skip
