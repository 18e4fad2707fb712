"""Writes YAML without a YAML library: block style for objects and lists, JSON's spelling for everything else.

Every JSON scalar is a YAML scalar, so that quoting needs no rules of our own.
"""

import json
import re

_LONGEST_SIMPLE_KEY = 1000  # YAML 1.1: 1024 characters
# What JSON may hold as it is, and YAML may not.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def to_yaml(value):
    """A YAML document of a JSON value."""
    lines = []
    _write(value, 0, lines)
    return "\n".join(lines) + "\n"


def _write(value, depth, lines):
    indent = "  " * depth
    if isinstance(value, dict) and value:
        for key, item in value.items():
            name = _scalar(str(key))
            if len(name) > _LONGEST_SIMPLE_KEY:
                lines.append(indent + "? " + name)
                name = ""
            _write_entry(indent + name + ":", item, depth, lines)
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
    return _UNPRINTABLE.sub(
        lambda found: "\\u{:04x}".format(ord(found.group())), json.dumps(value, ensure_ascii=False)
    )


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
