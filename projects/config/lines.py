"""Where in the text of a YAML file a value stands."""

from collections.abc import Sequence

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


def line_of(tree: Node | None, path: Sequence[str | int], key: str | None = None) -> int | None:
    """The line (from 1) of the value at `path`, or of `key` inside of it. Where the path ends early (a merged key),
    the line of the deepest part that was found."""
    if tree is None:
        return None
    node = tree
    for part in path:
        below = _child(node, part)
        if below is None:
            return _line(node)
        node = below
    found = _key(node, key) if key is not None else None
    return _line(found or node)


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        child: Node = node.value[part]
        return child
    if isinstance(node, MappingNode):
        return next((value for key, value in node.value if _is(key, part)), None)
    return None


def _key(node: Node, name: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((key for key, _ in node.value if _is(key, name)), None)


def _is(key: Node, part: str | int) -> bool:
    return isinstance(key, ScalarNode) and str(key.value) == str(part)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
