"""Answers checked as a strictly typed client decodes them: a Go program refuses a number where it expects a text."""

from dataclasses import dataclass
from types import UnionType
from typing import Any, get_args


@dataclass(frozen=True)
class Nullable:
    """null, or this shape."""

    shape: Any


def assert_shape(value: Any, shape: Any, where: str = "answer") -> None:
    """Exactly these keys, exactly these types: a boolean is no number here.

    A shape is a type, a union of types, `Nullable`, a list with the shape of its items, or a mapping of keys to shapes.
    """
    if isinstance(shape, Nullable):
        if value is not None:
            assert_shape(value, shape.shape, where)
    elif isinstance(shape, dict):
        assert isinstance(value, dict), f"{where} is {value!r}"
        assert set(value) == set(shape), f"{where}: {sorted(set(value) ^ set(shape))} differ"
        for key, inner in shape.items():
            assert_shape(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where} is {value!r}"
        for number, item in enumerate(value):
            assert_shape(item, shape[0], f"{where}[{number}]")
    else:
        allowed = get_args(shape) if isinstance(shape, UnionType) else (shape,)
        assert type(value) in allowed, f"{where} is {value!r}"
