"""The files below /valohai/config, each as JSON and as YAML."""

import json
import os

from peon.yaml_text import to_yaml

_LAID_OUT_FILES = 1000


def write_config(folder, details, inputs, runtime):
    """`inputs` is the content of inputs.json, `runtime` facts that only the agent knows."""
    config = details["config"]
    files = {
        "execution": config["execution"],
        "parameters": {name: value for name, value in config["parameters"].items() if value is not None},
        "inputs": inputs,
        "runtime": dict(config["runtime"], **runtime),
        "api": config["api"],
    }
    for name, content in files.items():
        if name == "inputs" and _are_for_programs(inputs):
            text = json.dumps(content) + "\n"
            _write(os.path.join(folder, name + ".json"), text)
            _write(os.path.join(folder, name + ".yaml"), text)
        else:
            _write(os.path.join(folder, name + ".json"), json.dumps(content, indent=2) + "\n")
            _write(os.path.join(folder, name + ".yaml"), to_yaml(content))


def _are_for_programs(inputs):
    """Many files: laid out for people they take ten times as long to write. JSON is YAML, but for some numbers and characters;
    numbers are in properties, and names with such characters are laid out as well."""
    files = [file for entry in inputs.values() for file in entry["files"]]
    return len(files) > _LAID_OUT_FILES and all(
        not file["metadata"] and file["name"].isprintable() and file["name"].isascii() for file in files
    )


def inputs_config(inputs, found, seen_inputs):
    """inputs.json: `found` maps (input name, file name) to what was measured of a downloaded file."""
    return {entry["name"]: _input(entry, found, os.path.join(seen_inputs, entry["name"])) for entry in inputs}


def _input(entry, found, seen):
    # Without files no id: the official library would ask the server for an input that has an id and no files.
    input_id = entry.get("input_id") if entry["files"] else None
    files = [
        _file(entry, file, found.get((entry["name"], file["filename"]), {}), seen, input_id)
        for file in entry["files"]
    ]
    return dict({"files": files}, **({"input_id": input_id} if input_id else {}))


def _file(entry, file, measured, seen, input_id):
    known = {name: measured.get(name) or file.get(name) for name in ("size", "md5", "sha1", "sha256")}
    content = {
        "name": file["filename"],
        "path": os.path.join(seen, file["filename"]),
        "size": known.pop("size"),
        "uri": file["uri"],
        "storage_uri": file.get("storage_uri"),
        "datum_id": file.get("datum_id"),
        "input_id": input_id,
        "download_intent": entry["download"],
    }
    content = {name: value for name, value in content.items() if value is not None or name == "size"}
    content["metadata"] = file.get("metadata") or []
    content["checksums"] = {name: value for name, value in known.items() if value}
    return content


def _write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
