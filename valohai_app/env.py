"""Reading settings from environment variables, with `NAME_FILE` naming a file that holds the value instead."""

import ipaddress
import os
import re
from pathlib import Path


class SettingInvalid(Exception):
    """A setting cannot be used; the message names it and the remedy."""


def text(name: str, default: str = "") -> str:
    file = os.environ.get(f"{name}_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingInvalid(f"{name}_FILE names {file}, which cannot be read: {error}.") from error
    return os.environ.get(name, default)


def boolean(name: str, default: bool = False) -> bool:
    value = text(name, str(default)).strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"", "0", "false", "no", "off"}:
        return False
    raise SettingInvalid(f"{name} is {value!r}; use true or false.")


def integer(name: str, default: int) -> int:
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise SettingInvalid(f"{name} is {value!r}; use a whole number.") from None


def items(name: str, default: str = "") -> list[str]:
    """A list without blanks, separated by commas or, as in a file, by line ends."""
    return [item.strip() for item in re.split(r"[,\r\n]", text(name, default)) if item.strip()]


def hosts(name: str) -> list[str]:
    """Names, `*.domain`, addresses and networks; what looks like a network has to be one."""
    found = items(name)
    for item in found:
        if "/" in item:
            try:
                ipaddress.ip_network(item, strict=False)
            except ValueError:
                raise SettingInvalid(
                    f"{name} holds {item!r}, which is no network. Write it as 10.1.0.0/16, or a host by its name."
                ) from None
    return found
