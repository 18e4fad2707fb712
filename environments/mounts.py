"""Mounts that steps ask for, and which of them an environment allows: directories of the worker's host, and shares that
machines of the network give by NFS (also Amazon EFS and Google Filestore) or SMB. Pure.

A rule is a pattern for addresses: `/data/**`, `nfs://files.example.com/export/*`, `smb://files.example.com/share`. `*` and `?`
stay within a part of the path; `**` is any number of parts, also none. What a rule allows can be read; written to only when
the rule says so.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from typing import Any

LONGEST_PATH = 1024
MOST_MOUNTS = 50
MOST_RULES = 100
WRITABLE = "rw"
READ_ONLY = "ro"


class MountKind(StrEnum):
    HOST = "host"
    NFS = "nfs"
    SMB = "smb"


KINDS = {"": MountKind.HOST, "host": MountKind.HOST, "bind": MountKind.HOST, "nfs": MountKind.NFS, "nfs4": MountKind.NFS,
         "efs": MountKind.NFS, "smb": MountKind.SMB, "cifs": MountKind.SMB}  # fmt: skip
"""By the `type` of a mount in valohai.yaml."""

OPTIONS: Mapping[MountKind, frozenset[str]] = {
    MountKind.HOST: frozenset(),
    MountKind.NFS: frozenset(
        ("vers", "nfsvers", "minorversion", "proto", "port", "mountport", "rsize", "wsize", "timeo", "retrans", "hard", "soft",
         "noresvport", "nolock", "nconnect", "sec", "actimeo", "noatime")
    ),
    MountKind.SMB: frozenset(
        ("vers", "username", "password", "domain", "uid", "gid", "file_mode", "dir_mode", "sec", "seal", "port", "noperm",
         "nobrl", "mfsymlinks", "cache", "noatime")
    ),
}  # fmt: skip
"""What a step may say of how to mount. Others could name files of the host or take rights on it."""

_HOST_NAME = re.compile(r"\A(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]+\])\Z")
_NFS_SOURCE = re.compile(r"\A(?:nfs://)?(?P<host>\[[^\]]+\]|[^/:\[\]]+):?(?P<path>/.*)\Z", re.DOTALL)
_SMB_SOURCE = re.compile(r"\A(?:smb:|cifs:)?//(?P<host>[^/]+)(?P<path>/.+)\Z", re.DOTALL)
_RESERVED = ("/proc", "/sys", "/dev", "/valohai")
_REFERENCE = re.compile(r"\A\$[A-Za-z_][A-Za-z0-9_]*\Z")


class MountRefused(ValueError):
    """What is wrong with a mount or a rule, and what to write instead."""


@dataclass(frozen=True)
class Mount:
    kind: MountKind
    host: str
    """Of the machine that gives it; empty for a directory of the worker's own host."""
    path: str
    destination: str
    readonly: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    """A value `$NAME` stands for a variable of the job."""

    @property
    def address(self) -> str:
        return self.path if self.kind is MountKind.HOST else f"{self.kind}://{self.host}{self.path}"

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "host": self.host,
            "path": self.path,
            "destination": self.destination,
            "readonly": self.readonly,
            "options": dict(self.options),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Mount":
        return cls(**{**stored, "kind": MountKind(stored["kind"])})


@dataclass(frozen=True)
class MountRule:
    pattern: str
    writable: bool = False

    def __str__(self) -> str:
        return f"{self.pattern} {WRITABLE}" if self.writable else self.pattern

    def as_json(self) -> dict[str, Any]:
        return {"pattern": self.pattern, "writable": self.writable}

    def matches(self, mount: Mount) -> bool:
        return _fits(self.pattern.split("/"), mount.address.split("/"), "**", _part_fits)


@dataclass(frozen=True)
class Decision:
    """What becomes of one mount. `note` is for the log: why it is refused, or that it is only read."""

    mount: Mount
    allowed: bool
    readonly: bool = True
    note: str = ""


def mount_from(
    *, source: str, destination: str, readonly: bool, kind: str | None, options: Mapping[str, Any]
) -> Mount:
    """A mount as it stands in valohai.yaml, checked. Raises `MountRefused`."""
    known = KINDS.get((kind or "").lower())
    if known is None:
        raise MountRefused(
            f"There is no type '{kind}' of mounts: use nfs or smb, or none for a directory of the host."
        )
    host, path = _source(known, source)
    return Mount(known, host, path, _destination(destination), readonly, _options(known, options))


def check_apart(mounts: Sequence[Mount]) -> None:
    """Raises `MountRefused` when one would be at the place of another or inside it, or when there are too many."""
    if len(mounts) > MOST_MOUNTS:
        raise MountRefused(f"{len(mounts)} mounts are too many: a step has at most {MOST_MOUNTS}.")
    for one, other in combinations(sorted(mounts, key=lambda mount: mount.destination), 2):
        if other.destination == one.destination or other.destination.startswith(f"{one.destination}/"):
            raise MountRefused(
                f"{other.address} at {other.destination} would be at the place of {one.address} at {one.destination}, or inside "
                "it. Give one another destination."
            )


def decide(mounts: Iterable[Mount], rules: Sequence[MountRule], environment: str) -> list[Decision]:
    """What an environment of this name allows, in the order of the mounts."""
    return [_decide(mount, rules, environment) for mount in mounts]


def _decide(mount: Mount, rules: Sequence[MountRule], environment: str) -> Decision:
    fitting = [rule for rule in rules if rule.matches(mount)]
    if not fitting:
        return Decision(
            mount,
            allowed=False,
            note=f"The mount of {mount.address} at {mount.destination} is refused: the environment '{environment}' "
            f"{_allows(rules)}. Whoever manages the environment can allow it.",
        )
    writable = any(rule.writable for rule in fitting)
    note = ""
    if not writable and not mount.readonly:
        note = f"The mount of {mount.address} at {mount.destination} can only be read in the environment '{environment}'."
    return Decision(mount, allowed=True, readonly=mount.readonly or not writable, note=note)


def _allows(rules: Sequence[MountRule]) -> str:
    return f"allows only {', '.join(rule.pattern for rule in rules)}" if rules else "allows no mounts"


def rules_from_text(text: str) -> list[MountRule]:
    """One rule a line: a pattern, and `rw` behind it when it may be written to. Raises `MountRefused`."""
    lines = [line.strip() for line in text.splitlines()]
    return _few([_rule_of(line) for line in lines if line and not line.startswith("#")])


def text_of(rules: Iterable[MountRule]) -> str:
    return "\n".join(map(str, rules))


def rules_from_json(stored: Any) -> list[MountRule]:
    """As an environment keeps them: [{"pattern": "/data/**", "writable": false}]. Raises `MountRefused`."""
    rules = []
    for rule in stored if isinstance(stored, list) else [stored]:
        match rule:
            case {"pattern": str(pattern), "writable": bool(writable), **others} if not others:
                rules.append(MountRule(_checked_pattern(pattern), writable))
            case _:
                raise MountRefused('Write rules for mounts as [{"pattern": "/data/**", "writable": false}].')
    return _few(rules)


def _few(rules: list[MountRule]) -> list[MountRule]:
    if len(rules) > MOST_RULES:
        raise MountRefused(f"{len(rules)} rules are too many: use at most {MOST_RULES}, with wildcards.")
    return rules


def _rule_of(line: str) -> MountRule:
    pattern, _, access = line.rpartition(" ")
    if access in (WRITABLE, READ_ONLY):
        return MountRule(_checked_pattern(pattern.strip()), writable=access == WRITABLE)
    return MountRule(_checked_pattern(line))


def _checked_pattern(pattern: str) -> str:
    begins = pattern.startswith(("/", "nfs://", "smb://"))
    path = pattern.partition("://")[2] if "://" in pattern else pattern
    if not begins or len(pattern) > LONGEST_PATH or _has_odd_parts(path.lstrip("/")) or not path.strip("/"):
        raise MountRefused(
            f"'{pattern[:100]}' is no pattern for mounts: write /directory/**, nfs://server/export/* or smb://server/share, with "
            "'rw' behind it where jobs may write."
        )
    return pattern.rstrip("/")


def _source(kind: MountKind, source: str) -> tuple[str, str]:
    if kind is MountKind.HOST:
        return "", _plain_path(source, "source")
    found = (_NFS_SOURCE if kind is MountKind.NFS else _SMB_SOURCE).match(source)
    if found is None or not _HOST_NAME.match(found["host"]):
        shape = "server:/export/path" if kind is MountKind.NFS else "//server/share"
        raise MountRefused(f"The source '{source[:100]}' of a mount by {kind} is not of the shape {shape}.")
    return found["host"].lower(), _plain_path(found["path"], "source")


def _destination(text: str) -> str:
    path = _plain_path(text, "destination")
    if path == "/" or any(path == reserved or path.startswith(f"{reserved}/") for reserved in _RESERVED):
        raise MountRefused(
            f"Nothing can be mounted at '{path}': choose a destination outside of {', '.join(_RESERVED)}."
        )
    return path


def _plain_path(text: str, what: str) -> str:
    if not text.startswith("/") or len(text) > LONGEST_PATH or _has_odd_parts(text.lstrip("/")):
        raise MountRefused(
            f"The {what} '{text[:100]}' of a mount is no path: write an absolute one without '..', of at most "
            f"{LONGEST_PATH} characters."
        )
    return posixpath.normpath(f"/{text.lstrip('/')}")


def _has_odd_parts(path: str) -> bool:
    """What another program could read in another way: dots, and characters that end lines, options or names."""
    return any(part in (".", "..") for part in path.split("/")) or any(
        character in ":,\\" or not character.isprintable() for character in path
    )


def _options(kind: MountKind, given: Mapping[str, Any]) -> dict[str, str]:
    unknown = sorted(str(name) for name in given if name not in OPTIONS[kind])
    if unknown:
        known = ", ".join(sorted(OPTIONS[kind])) or "none"
        raise MountRefused(
            f"A mount of this type does not take the option '{unknown[0][:50]}'. It takes: {known}."
        )
    return {name: _option_value(name, value) for name, value in given.items() if value not in (None, False)}


def _option_value(name: str, value: Any) -> str:
    """Empty for an option that is only there or not."""
    text = "" if value is True else str(value)
    if _REFERENCE.match(text):
        return text
    if name == "password":
        raise MountRefused(
            "The password of a mount must not stand in valohai.yaml: keep it in a secret variable and write $NAME here."
        )
    if len(text) > 256 or not text.isprintable() or "," in text or text.startswith("$"):
        raise MountRefused(
            f"The value of the mount option '{name}' has a comma or a character that cannot be there. Use $NAME for a "
            "variable of the job."
        )
    return text


def _fits(pattern: Sequence[str], text: Sequence[str], many: str, same: Callable[[str, str], bool]) -> bool:
    """Whether `text` is of the pattern, in which `many` stands for any number of items. It goes back to the last of them only,
    so that no pattern takes long."""
    at = here = 0
    last, resumed = -1, 0
    while here < len(text):
        if at < len(pattern) and pattern[at] == many:
            last, resumed = at, here
            at += 1
        elif at < len(pattern) and same(pattern[at], text[here]):
            at, here = at + 1, here + 1
        elif last >= 0:
            resumed += 1
            at, here = last + 1, resumed
        else:
            return False
    return all(item == many for item in pattern[at:])


def _part_fits(pattern: str, part: str) -> bool:
    return _fits(pattern, part, "*", lambda expected, found: expected in ("?", found))
