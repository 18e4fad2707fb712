"""What is said of a file: by the sidecar that its run wrote, or by a caller of the API."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from datastores.datasets.wishes import WISHES_KEY, read_wishes
from datastores.errors import AliasNameRefused, PropertiesRefused
from datastores.names import MAX_TAG_LENGTH, checked_alias, is_tag

TAGS_KEY = "valohai.tags"
ALIAS_KEY = "valohai.alias"
_RESERVED = frozenset({TAGS_KEY, ALIAS_KEY, WISHES_KEY})
MAX_PROPERTIES_CHARACTERS = 256 * 1024


@dataclass(frozen=True)
class Said:
    """`dataset_versions` are wishes, see `datasets.wishes`; `complaints` says in words what could not be used."""

    tags: list[str] = field(default_factory=list)
    alias: str = ""
    dataset_versions: list[dict[str, Any]] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


def read_metadata(metadata: Mapping[str, Any]) -> Said:
    """Tags, alias and free properties. What has the wrong shape becomes a complaint, not an exception."""
    complaints: list[str] = []
    tags = _tags(metadata.get(TAGS_KEY), complaints)
    alias = _alias(metadata.get(ALIAS_KEY), complaints)
    wishes = _wishes(metadata.get(WISHES_KEY), complaints)
    free = {str(key): value for key, value in metadata.items() if key not in _RESERVED}
    return Said(tags, alias, wishes, _properties(free, complaints), complaints)


def plain_properties(values: Mapping[str, Any]) -> dict[str, Any]:
    """Properties as they are stored. Raises `PropertiesRefused`."""
    complaints: list[str] = []
    properties = _properties(dict(values), complaints)
    if complaints:
        raise PropertiesRefused(" ".join(complaints))
    return properties


def _tags(value: Any, complaints: list[str]) -> list[str]:
    if value is None:
        return []
    given = value if isinstance(value, list) else [value]
    tags = [tag.strip() for tag in given if is_tag(tag)]
    if len(tags) != len(given):
        complaints.append(
            f"{TAGS_KEY} must be a list of texts of 1 to {MAX_TAG_LENGTH} printable characters."
        )
    return list(dict.fromkeys(tags))


def _alias(value: Any, complaints: list[str]) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]  # scripts in the wild pass a list of one
    if value is None:
        return ""
    if not isinstance(value, str):
        complaints.append(f"{ALIAS_KEY} must be one text, not {json.dumps(value, default=str)[:100]}.")
        return ""
    try:
        return checked_alias(value)
    except AliasNameRefused as error:
        complaints.append(f"{ALIAS_KEY}: {error.message}")
        return ""


def _wishes(value: Any, complaints: list[str]) -> list[dict[str, Any]]:
    try:
        storable = _storable(value)
        if len(json.dumps(storable)) > MAX_PROPERTIES_CHARACTERS:
            complaints.append(f"{WISHES_KEY} must not be longer than {MAX_PROPERTIES_CHARACTERS} characters.")
            return []
    except (RecursionError, TypeError, ValueError):
        complaints.append(f"{WISHES_KEY} must be plain JSON, not nested without end.")
        return []
    return read_wishes(storable, complaints)


def _properties(free: dict[str, Any], complaints: list[str]) -> dict[str, Any]:
    try:
        storable: dict[str, Any] = _storable(free)
        if len(json.dumps(storable)) > MAX_PROPERTIES_CHARACTERS:
            complaints.append(f"Properties must not be longer than {MAX_PROPERTIES_CHARACTERS} characters.")
            return {}
    except (RecursionError, TypeError, ValueError):
        complaints.append("Properties must be plain JSON, not nested without end.")
        return {}
    return storable


def _storable(value: Any) -> Any:
    """PostgreSQL's JSON holds no NUL, no lone surrogates and no numbers that are none."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {_storable(str(key)): _storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    return value
