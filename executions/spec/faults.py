"""Collects what is wrong with a request, so that the user hears of everything at once."""

from collections import defaultdict

from common.errors import DomainError, Fault, FieldsRefused


class Faults:
    def __init__(self) -> None:
        self._found: dict[str, list[Fault]] = defaultdict(list)

    def add(self, field: str, message: str, code: str = "invalid") -> None:
        self._found[field].append(Fault(message, code))

    def add_error(self, error: DomainError, field: str) -> None:
        """Take over an error of another app; it keeps its own field when it names one."""
        self.add(error.field or field, error.message, error.code)

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_if_any(self) -> None:
        if self._found:
            raise FieldsRefused(dict(self._found))
