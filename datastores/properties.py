"""What a file's sidecar says of it, and checksums of a stored object."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from django.core.files.storage import default_storage

TAGS_KEY = "valohai.tags"
ALIAS_KEY = "valohai.alias"
_MAX_TAG_LENGTH = 128
_MAX_ALIAS_LENGTH = 128
_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Sidecar:
    tags: list[str] = field(default_factory=list)
    alias: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


def read_sidecar(metadata: dict[str, Any]) -> Sidecar:
    """Tags, alias and free properties of a file. What has the wrong shape becomes a complaint, not an exception."""
    complaints: list[str] = []
    tags = metadata.get(TAGS_KEY, [])
    if not isinstance(tags, list) or not all(
        isinstance(tag, str) and 0 < len(tag) <= _MAX_TAG_LENGTH for tag in tags
    ):
        complaints.append(f"{TAGS_KEY} must be a list of texts of at most {_MAX_TAG_LENGTH} characters.")
        tags = []
    alias = metadata.get(ALIAS_KEY, "")
    if isinstance(alias, list) and len(alias) == 1:
        alias = alias[0]  # scripts in the wild pass a list of one
    if not isinstance(alias, str) or len(alias) > _MAX_ALIAS_LENGTH or "/" in alias:
        complaints.append(
            f"{ALIAS_KEY} must be one text of at most {_MAX_ALIAS_LENGTH} characters without '/'."
        )
        alias = ""
    free = {key: value for key, value in metadata.items() if key not in (TAGS_KEY, ALIAS_KEY)}
    return Sidecar(list(dict.fromkeys(tags)), alias, _without_nul(free), complaints)


def _without_nul(value: Any) -> Any:
    """PostgreSQL's JSON cannot hold the NUL character."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nul(inner) for inner in value]
    return value


def checksums(key: str) -> dict[str, str]:
    """md5, sha1 and sha256 of a stored object, read in blocks."""
    digests = {
        "md5": hashlib.md5(usedforsecurity=False),
        "sha1": hashlib.sha1(usedforsecurity=False),
        "sha256": hashlib.sha256(),
    }
    with default_storage.open(key) as file:
        while block := file.read(_BLOCK_BYTES):
            for digest in digests.values():
                digest.update(block)
    return {name: digest.hexdigest() for name, digest in digests.items()}
