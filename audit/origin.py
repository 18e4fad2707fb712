"""Where the current request comes from, for the audit rows that it causes."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from audit.types import Origin

_current: ContextVar[Origin] = ContextVar("audit_origin", default=Origin())  # noqa: B039  (it is frozen)


def current() -> Origin:
    return _current.get()


@contextmanager
def request_from(origin: Origin) -> Iterator[None]:
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


def note_token(hint: str) -> None:
    """The current request is authenticated by the API token that begins so."""
    _current.set(replace(_current.get(), token_hint=hint))
