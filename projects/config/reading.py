"""From the text of a valohai.yaml to plain data, or to the list of what is wrong with it.

The text comes from strangers: size, nesting and the expansion of aliases are bounded before any data is built.
"""

import datetime
import math
from collections.abc import Iterator
from typing import Any

import yaml
from django.conf import settings
from jsonschema import ValidationError as SchemaError
from jsonschema.exceptions import best_match
from valohai_yaml.objs import Config
from valohai_yaml.validation import get_validator
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from projects.config.lines import line_of
from projects.types import ConfigProblem

MAX_EXPANDED_NODES = 200_000
MAX_DEPTH = 50
_LONGEST_MESSAGE = 400


class _Unusable(Exception):
    def __init__(self, message: str, node: Node | None = None) -> None:
        super().__init__(message)
        self.line = node.start_mark.line + 1 if node is not None and node.start_mark is not None else None


def parse_source(text: str) -> tuple[list[Any] | None, list[ConfigProblem]]:
    """The file as a list of JSON-compatible items, and what is wrong with it.

    None in place of the list means that nothing can be run from the file. Problems beside a list are findings of the
    linter, such as a pipeline that names an unknown step: the steps run all the same.
    """
    try:
        tree = _compose(text)
        data = _build(tree)
        if data is None:  # an empty file is a configuration without steps, as for the official parser
            return [], []
        faults = [_schema_problem(error, tree) for error in get_validator().iter_errors(data)]
        if faults:
            return None, _in_order(faults)
        config = Config.parse(data)
    except _Unusable as error:
        return None, [_problem(error.line, str(error))]
    except yaml.YAMLError as error:
        return None, [_syntax_problem(error)]
    except RecursionError:
        return None, [_problem(None, "The file is nested too deeply.")]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # What the schema lets pass, the parser's constructors may still refuse, each in its own way.
        return None, [_problem(None, f"The file is not a valid configuration: {error}")]
    return data, _findings(config)


def _compose(text: str) -> Node | None:
    limit = settings.YAML_MAX_BYTES
    if len(text) > limit:
        raise _Unusable(f"The file is larger than {limit // 1024} KiB.")
    tree: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    if tree is not None:
        _check_expansion(tree, {}, 0)
    return tree


def _check_expansion(node: Node, sizes: dict[int, int], depth: int) -> int:
    """How many nodes there are once every alias is written out; refuses too many, and an alias inside itself."""
    known = sizes.get(id(node))
    if known == 0:
        raise _Unusable("An alias stands inside of what it names.", node)
    if known is not None:
        return known
    if depth > MAX_DEPTH:
        raise _Unusable(f"The file is nested more than {MAX_DEPTH} levels deep.", node)
    sizes[id(node)] = 0  # being counted
    total = 1 + sum(_check_expansion(child, sizes, depth + 1) for child in _children(node))
    if total > MAX_EXPANDED_NODES:
        raise _Unusable("The file becomes too large when its aliases are written out.", node)
    sizes[id(node)] = total
    return total


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, SequenceNode):
        yield from node.value
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value


def _build(tree: Node | None) -> Any:
    if tree is None:
        return None
    loader = yaml.SafeLoader("")
    try:
        return _plain(loader.construct_document(tree), tree)
    finally:
        loader.dispose()


def _plain(value: Any, tree: Node) -> Any:
    """The same value made of what JSON and the database can carry."""
    if isinstance(value, dict):
        return {_plain_key(key, tree): _plain(inner, tree) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner, tree) for inner in value]
    if isinstance(value, str):
        return _storable(value, tree)
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        raise _Unusable("Binary values cannot be used here.", _scalar_tagged(tree, "binary"))
    if isinstance(value, float) and not math.isfinite(value):
        raise _Unusable("Numbers have to be finite.", _scalar_tagged(tree, "float"))
    return value


def _plain_key(key: Any, tree: Node) -> str:
    return _storable(key, tree) if isinstance(key, str) else str(key)


def _storable(text: str, tree: Node) -> str:
    if "\0" in text or not _encodable(text):
        raise _Unusable(
            "A text contains a character that cannot be stored (NUL or half a surrogate pair).", tree
        )
    return text


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _scalar_tagged(node: Node, kind: str) -> Node | None:
    if isinstance(node, ScalarNode) and node.tag.endswith(f":{kind}"):
        return node
    return next((found for child in _children(node) if (found := _scalar_tagged(child, kind))), None)


def _schema_problem(error: SchemaError, tree: Node | None) -> ConfigProblem:
    """The deepest reason: of alternatives, the one that the writer most likely meant."""
    cause = best_match([error]) or error
    path = list(cause.absolute_path)
    where = ".".join(str(part) for part in path)
    return _problem(
        line_of(tree, path, _surplus_key(cause)), f"{where}: {cause.message}" if where else cause.message
    )


def _surplus_key(error: SchemaError) -> str | None:
    """The first key that the schema does not know, where that is the fault."""
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return None
    known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    return next((key for key in error.instance if key not in known), None)


def _syntax_problem(error: yaml.YAMLError) -> ConfigProblem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        return _problem(mark.line + 1 if mark else None, f"The file is not valid YAML: {reason}")
    return _problem(None, f"The file is not valid YAML: {error}")


def _findings(config: Config) -> list[ConfigProblem]:
    try:
        errors = list(config.lint().errors)
    except Exception as error:  # advice only: its own failure must not cost the commit
        return [_problem(None, f"The linter failed on this file: {error}")]
    return [_problem(None, str(found["message"])) for found in errors]


def _in_order(faults: list[ConfigProblem]) -> list[ConfigProblem]:
    unique = {(fault["line"], fault["message"]): fault for fault in faults}
    return sorted(unique.values(), key=lambda fault: fault["line"] or 0)[:50]


def _problem(line: int | None, message: str) -> ConfigProblem:
    clean = message.encode(errors="replace").decode().replace("\0", "�")
    if len(clean) > _LONGEST_MESSAGE:
        clean = clean[:_LONGEST_MESSAGE] + "…"
    return {"line": line, "message": clean}
