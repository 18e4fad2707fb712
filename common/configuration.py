"""Configurations with a secret half, as stores and registries have them: which keys there are, and what may be in them.

Secrets go in and never come out: whoever changes a configuration leaves a secret out to keep it. What says where secrets are
sent cannot change without them, so that nobody sends a secret that they do not know to a place of their own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.errors import DomainError, Fault, FieldsRefused

FIELD = "configuration"
_LONGEST_VALUE = 16 * 1024


@dataclass(frozen=True)
class Key:
    name: str
    label: str
    hint: str = ""
    secret: bool = False
    required: bool = False
    boolean: bool = False
    multiline: bool = False
    is_address: bool = False
    """Says where the secrets are sent."""
    choices: tuple[str, ...] = ()
    one_of: str = ""
    """Of the keys with the same text here exactly one is there; a new one takes the place of the old one."""


@dataclass(frozen=True)
class Configuration:
    public: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def stored(cls, public: Mapping[str, Any], secrets: str) -> "Configuration":
        """From a row: its plain column, and the text of its encrypted one."""
        return cls(dict(public), json.loads(secrets) if secrets else {})

    @property
    def secrets_text(self) -> str:
        return json.dumps(self.secrets, sort_keys=True) if self.secrets else ""


def checked(
    keys: Sequence[Key],
    given: Mapping[str, Any],
    *,
    stored: Configuration | None = None,
    moved: bool = False,
) -> Configuration:
    """What is stored after `given` replaces it. Secrets that are absent stay; an empty text removes one.

    `moved` says that the address of the secrets changes for a reason outside of the configuration. Raises `FieldsRefused`
    with everything that is wrong.
    """
    stored = stored or Configuration()
    known = {key.name: key for key in keys}
    faults = [
        f"There is no key '{_short(name)}'. Use {', '.join(known)}." for name in given if name not in known
    ]
    values: dict[str, Any] = {}
    for name in given.keys() & known.keys():
        try:
            values[name] = _value(known[name], given[name])
        except DomainError as error:
            faults.append(error.message)
    public = {name: value for name, value in values.items() if not known[name].secret and value != ""}
    secrets = {**stored.secrets, **{name: value for name, value in values.items() if known[name].secret}}
    secrets = {name: value for name, value in secrets.items() if value != "" and name in known}
    secrets = _without_replaced(keys, secrets, values)
    moved = moved or any(
        public.get(key.name) != stored.public.get(key.name) for key in keys if key.is_address
    )
    faults += [
        f"Enter the {known[name].label} again: it would go to another address than it was meant for."
        for name in secrets
        if moved and name not in given
    ]
    faults += [
        f"The {key.label} is missing."
        for key in keys
        if key.required and key.name not in {**public, **secrets}
    ]
    for labels, count in _choices_of_one(keys, {**public, **secrets}):
        if count != 1:
            faults.append(f"Give {' or '.join(labels)}{', not both' if count else ''}.")
    if faults:
        raise FieldsRefused({FIELD: [Fault(message) for message in faults]})
    return Configuration(public, secrets)


def _without_replaced(
    keys: Sequence[Key], secrets: Mapping[str, str], given: Mapping[str, Any]
) -> dict[str, str]:
    """Without stored secrets whose place a new one takes."""
    replaced = {key.one_of for key in keys if key.one_of and given.get(key.name)}
    gone = {key.name for key in keys if key.one_of in replaced and not given.get(key.name)}
    return {name: value for name, value in secrets.items() if name not in gone}


def _choices_of_one(keys: Sequence[Key], there: Mapping[str, Any]) -> list[tuple[list[str], int]]:
    """For each group of keys of which one is needed: their labels, and how many are there."""
    groups = dict.fromkeys(key.one_of for key in keys if key.one_of)
    return [
        (
            [f"the {key.label}" for key in keys if key.one_of == group],
            sum(key.one_of == group and key.name in there for key in keys),
        )
        for group in groups
    ]


def _value(key: Key, given: Any) -> str | bool:
    if key.boolean:
        if isinstance(given, bool):
            return given
        if given in {"true", "false"}:
            return bool(given == "true")
        raise DomainError(f"The {key.label} is true or false.")
    if given is None:
        return ""
    if not isinstance(given, str):
        raise DomainError(f"The {key.label} must be text.")
    text = given if key.multiline else given.strip()
    if not _storable(text) or not (key.multiline or text.isprintable()):
        raise DomainError(f"The {key.label} holds characters that it cannot, or is longer than 16 KiB.")
    if text and key.choices and text not in key.choices:
        raise DomainError(f"The {key.label} is one of {', '.join(key.choices)}.")
    return text


def _storable(text: str) -> bool:
    return (
        len(text) <= _LONGEST_VALUE and "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
    )


def _short(name: object) -> str:
    return str(name)[:64].encode("utf-8", "replace").decode().replace("\0", "")
