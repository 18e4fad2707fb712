"""Inputs of a job with addresses to download them from."""

import uuid
from pathlib import PurePosixPath
from typing import Any

from datastores.inputs import input_files
from datastores.types import InputFile
from executions.models import Execution

KEEP_FULL = "full"
KEEP_SUFFIX = "suffix"


def input_entries(execution: Execution, base_url: str) -> list[dict[str, Any]]:
    """Every declared input in the step's order, with fresh addresses."""
    return [_entry(execution, declared, base_url) for declared in execution.inputs]


def requested_inputs(execution: Execution, input_ids: list[str], base_url: str) -> list[dict[str, Any]]:
    """The answer that the user's own code gets when it asks for inputs by id."""
    wanted = [d for d in execution.inputs if d["urls"] and input_id(execution, d["name"]) in input_ids]
    return [_requested(_entry(execution, declared, base_url)) for declared in wanted]


def input_id(execution: Execution, name: str) -> str:
    """An id that needs no row: the same for every attempt at the execution."""
    return str(uuid.uuid5(execution.pk, name))


def _entry(execution: Execution, declared: dict[str, Any], base_url: str) -> dict[str, Any]:
    files = [
        _file(declared, file)
        for uri in declared["urls"]
        for file in input_files(execution.project, uri, base_url)
    ]
    entry = {
        "name": declared["name"],
        "keep_directories": declared["keep_directories"],
        "optional": declared["optional"],
        "download": declared["download"],
        "files": files,
    }
    # The official library calls us for an input that has an id and no files, so that an empty one has none.
    return {**entry, "input_id": input_id(execution, declared["name"])} if files else entry


def _file(declared: dict[str, Any], file: InputFile) -> dict[str, Any]:
    return {
        "filename": declared["filename"] or _relative_name(file, declared["keep_directories"]),
        "url": file.url,
        "headers": file.headers,
        "uri": file.uri,
        "storage_uri": file.storage_uri,
        "datum_id": str(file.datum_id) if file.datum_id else None,
        "size": file.size,
        "md5": file.md5,
        "sha1": file.sha1,
        "sha256": file.sha256,
        "metadata": file.metadata,
    }


def _relative_name(file: InputFile, keep_directories: str) -> str:
    """Flat unless directories are to be kept; never outside the input's folder."""
    kept = {KEEP_FULL: file.filename, KEEP_SUFFIX: file.path_below_root or file.filename}
    path = PurePosixPath(kept.get(keep_directories, file.filename))
    parts = [part for part in path.parts if part not in {"/", "..", "."}]
    return "/".join(parts if keep_directories in kept else parts[-1:]) or "file"


def _requested(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": entry["name"],
        "input_id": entry["input_id"],
        "files": [
            {
                "input_id": entry["input_id"],
                "filename": file["filename"],
                "url": file["url"],
                "original_uri": file["uri"],
                "download_intent": entry["download"],
            }
            for file in entry["files"]
        ],
    }
