"""Reads a machine template setting by setting, and remembers everything that is wrong with it, in words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

_SHOWN = 64


@dataclass
class Reader:
    """What is not right reads as if it were left out; `faults` say so. Nothing unknown is accepted: see `end`."""

    given: Mapping[str, Any]
    within: str = ""
    """How settings of a part of the template are named in a fault, such as 'disk.'."""
    faults: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)

    def text(
        self, name: str, pattern: str = "", such_as: str = "", *, needed: bool = False, longest: int = 255
    ) -> str:
        value = self._take(name, needed=needed, such_as=such_as)
        if value is None:
            return ""
        fault = _text_fault(value, pattern, longest)
        if fault:
            self._fault(name, fault, such_as)
            return ""
        return str(value)

    def texts(
        self, name: str, pattern: str, such_as: str, *, needed: bool = False, most: int
    ) -> tuple[str, ...]:
        value = self._take(name, needed=needed, such_as=f'["{such_as}"]')
        if value is None:
            return ()
        if not isinstance(value, list) or not (0 if not needed else 1) <= len(value) <= most:
            self._fault(name, f"is a list of at most {most}", f'["{such_as}"]')
            return ()
        for item in value:
            fault = _text_fault(item, pattern, 255)
            if fault:
                self._fault(name, f"has {_short(item)}, which {fault}", such_as)
                return ()
        if len(set(value)) < len(value):
            self._fault(name, "names something twice", such_as)
        return tuple(dict.fromkeys(value))

    def choice(self, name: str, choices: Sequence[str]) -> str:
        value = self._take(name)
        if value is None:
            return choices[0]
        if value not in choices:
            self._fault(name, f"is one of {', '.join(choices)}")
            return choices[0]
        return str(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._fault(name, "is true or false")
            return default
        return value

    def whole(self, name: str, lowest: int, highest: int, *, default: int) -> int:
        value = self._take(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            self._fault(name, f"is a whole number between {lowest} and {highest}")
            return default
        return value

    def price(self, name: str) -> Decimal | None:
        """US dollars per hour."""
        value = self._take(name)
        if value is None:
            return None
        if not _is_price(value):
            self._fault(name, "is a number above 0 and at most 10000, in US dollars per hour")
            return None
        return Decimal(str(value))

    def prices(self, name: str) -> dict[str, Decimal]:
        found = self._object(name, "US dollars per hour by machine type")
        wrong = [key for key, value in found.items() if not _is_price(value)]
        if wrong:
            self._fault(name, f"has no price above 0 for {_short(wrong[0])}")
        return {str(key): Decimal(str(value)) for key, value in found.items() if _is_price(value)}

    def mapping(self, name: str, key_pattern: str, value_pattern: str, *, most: int) -> dict[str, str]:
        found = self._object(name, "names and texts")
        if len(found) > most:
            self._fault(name, f"has more than {most} entries")
        for key, value in found.items():
            if _text_fault(key, key_pattern, 255) or _text_fault(value, value_pattern, 255):
                self._fault(name, f"has an entry {_short(key)} that cannot be one")
                return {}
        return {str(key): str(value) for key, value in found.items()}

    def part(self, name: str) -> "Reader":
        """Of a setting that is an object; its faults are this one's."""
        found = self._object(name, "settings")
        return Reader(found, f"{self.within}{name}.", self.faults)

    def say(self, fault: str) -> None:
        self.faults.append(fault)

    def end(self) -> None:
        """All that is read was: what is left is unknown."""
        for name in self.given:
            if name not in self.known:
                use = ", ".join(self.known)
                self.faults.append(f"There is no setting '{self.within}{str(name)[:_SHOWN]}'. Use {use}.")

    def _take(self, name: str, *, needed: bool = False, such_as: str = "") -> Any:
        self.known.append(name)
        value = self.given.get(name)
        if needed and value in (None, "", []):
            self.faults.append(f"The setting '{self.within}{name}' is missing, such as {such_as}.")
            return None
        return value

    def _object(self, name: str, of: str) -> Mapping[str, Any]:
        value = self._take(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._fault(name, f"is an object of {of}")
            return {}
        return value

    def _fault(self, name: str, fault: str, such_as: str = "") -> None:
        example = f", such as {such_as}" if such_as else ""
        self.faults.append(f"The setting '{self.within}{name}' {fault}{example}.")


def _text_fault(value: Any, pattern: str, longest: int) -> str:
    if not isinstance(value, str):
        return "is not a text"
    if len(value) > longest or "\0" in value:
        return f"has more than {longest} characters, or a NUL"
    if pattern and not re.fullmatch(pattern, value):
        return "does not look like one"
    return ""


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 10_000


def _short(value: Any) -> str:
    return f"'{str(value)[:_SHOWN]}'"
