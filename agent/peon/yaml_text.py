"""Writes YAML without a YAML library: block style for objects and lists, JSON's spelling for everything else.

Every JSON scalar is a YAML scalar, so that quoting needs no rules of our own.
"""

import json


def to_yaml(value):
    """A YAML document of a JSON value."""
    lines = []
    _write(value, 0, lines)
    return "\n".join(lines) + "\n"


def _write(value, depth, lines):
    indent = "  " * depth
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _write_entry(indent + _scalar(str(key)) + ":", item, depth, lines)
    elif isinstance(value, (list, tuple)) and value:
        for item in value:
            _write_entry(indent + "-", item, depth, lines)
    else:
        lines.append(indent + _scalar(value))


def _write_entry(start, item, depth, lines):
    if isinstance(item, (dict, list, tuple)) and item:
        lines.append(start)
        _write(item, depth + 1, lines)
    else:
        lines.append(start + " " + _scalar(item))


def _scalar(value):
    if isinstance(value, float):
        return _float(value)
    # Escaped to ASCII: characters that YAML does not print must not stand in a document.
    return json.dumps(value)


def _float(value):
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    if "e" in text and "." not in text:
        # YAML reads 1e-05 as text; 1.0e-05 is a number.
        text = text.replace("e", ".0e")
    return text
