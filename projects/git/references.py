"""Which branches and tags a repository's fetch reference means. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

MAX_REFERENCES = 200
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock\Z|/\Z|\A-")


@dataclass(frozen=True)
class Reference:
    """A branch or tag of a remote; `full_name` begins with `refs/`."""

    full_name: str

    @property
    def name(self) -> str:
        return self.full_name.removeprefix("refs/heads/").removeprefix("refs/tags/")


class PatternRefused(ValueError):
    pass


def patterns_of(fetch_reference: str) -> list[str]:
    """`"main, release/*"` -> `["main", "release/*"]`; refuses what can be no name."""
    patterns = [part.strip() for part in fetch_reference.split(",") if part.strip()]
    for pattern in patterns:
        if _FORBIDDEN.search(pattern.replace("*", "x").replace("?", "x")):
            raise PatternRefused(
                f"'{pattern}' is not the name of a branch or tag, nor a pattern such as release/*."
            )
    if not patterns:
        raise PatternRefused("Name at least one branch or tag, such as main.")
    return patterns


def listed(ls_remote: bytes) -> list[Reference]:
    """The branches and tags (and whatever else) in the answer of `git ls-remote`, without peeled tags."""
    names = (line.partition(b"\t")[2].decode(errors="replace") for line in ls_remote.splitlines())
    usable = (name for name in names if name.startswith("refs/") and not name.endswith("^{}"))
    return [Reference(name) for name in usable if not _FORBIDDEN.search(name) and len(name) <= 255]


def matching(patterns: Iterable[str], references: Iterable[Reference]) -> list[Reference]:
    """The references that the patterns mean, in the order of the patterns; branches before tags of the same name."""
    ordered = sorted(references, key=lambda reference: (_kind(reference), reference.name))
    found: dict[Reference, None] = {}
    for pattern in patterns:
        for reference in ordered:
            if _matches(pattern, reference):
                found.setdefault(reference)
    return list(found)


def _matches(pattern: str, reference: Reference) -> bool:
    if pattern.startswith("refs/"):
        return fnmatchcase(reference.full_name, pattern)
    return _kind(reference) < 2 and fnmatchcase(reference.name, pattern)


def _kind(reference: Reference) -> int:
    if reference.full_name.startswith("refs/heads/"):
        return 0
    return 1 if reference.full_name.startswith("refs/tags/") else 2


def names_that_exist(references: Iterable[Reference], most: int = 12) -> str:
    """For an error text: the branches and tags there are, shortened."""
    names = [reference.name for reference in sorted(references, key=_kind) if _kind(reference) < 2]
    if not names:
        return "it has no branches and tags"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return "it has " + ", ".join(f"'{name}'" for name in names[:most]) + more
