"""Reads what workers send. An agent is trusted with its job, not with our database: everything is checked."""

from typing import Any

from common.rest.plain import BodyRefused
from common.storable import unstorable
from datastores.types import Position
from datastores.uploads import NewFile, etags_from
from executions.agent_api.inputs import Cursor
from executions.agent_api.placement import REPORTS
from executions.metadata.lines import clean_text

LONGEST_REPORT = 4000
MOST_UPLOADS = 1000
MOST_PARTS = 50_000
_CURSORS = ([int, int, int, str], [int, int, int, str, bool])


def uploads_from(body: dict[str, Any]) -> list[NewFile]:
    files = body.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise BodyRefused("Send the files as a list of objects.", field="files")
    if len(files) > MOST_UPLOADS:
        raise BodyRefused(f"Ask for at most {MOST_UPLOADS} uploads at a time.", field="files")
    return [_upload(file) for file in files]


def _upload(file: dict[str, Any]) -> NewFile:
    name, size = file.get("name"), file.get("size")
    if not isinstance(name, str) or not name or unstorable(name):
        raise BodyRefused("Every file needs a name.", field="files")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BodyRefused(f"The size of '{name}' must be a number of bytes.", field="files")
    return NewFile(name, size)


def report_from(body: dict[str, Any]) -> tuple[str, str]:
    """State and words of a dispatcher's report."""
    state, text = body.get("state"), body.get("text")
    if state not in REPORTS:
        raise BodyRefused(f"The state is one of {', '.join(REPORTS)}.", field="state")
    if not isinstance(text, str) or not text.strip():
        raise BodyRefused("Say in words what is reported.", field="text")
    return str(state), clean_text(text, LONGEST_REPORT)


def cursor_from(body: dict[str, Any]) -> Cursor:
    """Where a page of files begins, as the page before it said."""
    given = body.get("after")
    if given is None:
        return Cursor()
    fits = isinstance(given, list) and [type(part) for part in given] in _CURSORS
    if not fits or min(given[:3]) < 0 or unstorable(given[3]):
        raise BodyRefused(
            "Send what the page before said under 'next', or nothing for the first.", field="after"
        )
    entry, address, found, after, *in_packages = given
    return Cursor(entry, address, Position(found, after), in_packages == [True])


def parts_from(body: dict[str, Any]) -> dict[int, str]:
    """Number -> etag of the parts of an upload."""
    parts = body.get("parts")
    if not isinstance(parts, list) or len(parts) > MOST_PARTS or not all(isinstance(p, dict) for p in parts):
        raise BodyRefused(f"Send the parts as a list of at most {MOST_PARTS} objects.", field="parts")
    if not all(isinstance(part.get("number"), int) and not unstorable(part) for part in parts):
        raise BodyRefused(
            "Every part needs a number, and the etag that the store answered with.", field="parts"
        )
    return etags_from(parts)
