"""Judging an uploaded package of code without unpacking it: a gzipped tar from a stranger.

Everything is read once, as a stream, with bounds on what is read and on what is kept. The message of a refusal names
the member at fault.
"""

import gzip
import io
import posixpath
import tarfile
import zlib
from dataclasses import dataclass, field
from typing import IO, BinaryIO

from common.errors import DomainError

_LONGEST_HEADER = 1024 * 1024
_LONGEST_NAME = 4096
_MAX_LINK_STEPS = 40


class PackageRefused(DomainError):
    field = "data"
    code = "package_refused"


@dataclass(frozen=True)
class Limits:
    files: int
    unpacked_bytes: int
    yaml_bytes: int


@dataclass
class Contents:
    """What a package holds. `yaml` is None when it has no file at the path asked for."""

    files: int = 0
    yaml: bytes | None = None
    yaml_too_large: bool = False
    names: dict[str, str] = field(default_factory=dict)  # normal name -> "file", "folder" or "link"
    links: dict[str, str] = field(default_factory=dict)  # normal name -> target as written
    hard_links: dict[str, str] = field(default_factory=dict)


class _BoundedMember(tarfile.TarInfo):
    """A member whose extended header cannot be made to fill the memory: tarfile reads such headers whole."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        extended = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
                    tarfile.GNUTYPE_LONGLINK}  # fmt: skip
        if self.type in extended and self.size > _LONGEST_HEADER:
            raise PackageRefused("The package has a header of more than 1 MB.")
        return super()._proc_member(archive)  # type: ignore[misc, no-any-return]


class _BoundedReader(io.RawIOBase):
    """Refuses to unpack more than the limit, however well it was compressed."""

    def __init__(self, packed: IO[bytes], limit_bytes: int) -> None:
        self._source = gzip.GzipFile(fileobj=packed, mode="rb")
        self._left = limit_bytes
        self._limit_bytes = limit_bytes

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise PackageRefused(
                f"The package is larger than {self._limit_bytes // 1024 // 1024} MB when it is unpacked. "
                "Leave data out, for example with .vhignore."
            )
        return data


def inspect(packed: BinaryIO, *, yaml_path: str, limits: Limits) -> Contents:
    """Read the whole package; raises `PackageRefused` for what must not be unpacked by anybody."""
    contents = Contents()
    reader = _BoundedReader(packed, limits.unpacked_bytes)
    try:
        with tarfile.open(fileobj=reader, mode="r|", tarinfo=_BoundedMember) as archive:
            for member in archive:
                _take(member, archive, contents, yaml_path, limits)
        while reader.read(
            1024 * 1024
        ):  # what follows the end of the tar counts, and the checksum has to be right
            pass
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PackageRefused(f"The package is not a whole gzipped tar file: {error}.") from error
    except (ValueError, OverflowError, UnicodeError) as error:
        raise PackageRefused(f"The package has a damaged header: {error}.") from error
    _judge_links(contents)
    return contents


def _take(
    member: tarfile.TarInfo, archive: tarfile.TarFile, contents: Contents, yaml_path: str, limits: Limits
) -> None:
    name = _normal_name(member.name)
    if name == "." and member.isdir():
        return
    kind = _kind(member)
    if contents.names.get(name, kind if kind == "folder" else None) != (
        "folder" if kind == "folder" else None
    ):
        raise PackageRefused(f"The package contains {_shown(name)} twice.")
    contents.names[name] = kind
    if kind != "folder":
        contents.files += 1
    if contents.files > limits.files or len(contents.names) > 2 * limits.files:
        raise PackageRefused(
            f"The package has more than {limits.files:,} files. Leave some out, for example with .vhignore."
        )
    if member.issym():
        contents.links[name] = member.linkname
    elif member.islnk():
        contents.hard_links[name] = member.linkname
    elif member.isreg() and name == yaml_path:
        _take_yaml(member, archive, contents, limits)


def _take_yaml(member: tarfile.TarInfo, archive: tarfile.TarFile, contents: Contents, limits: Limits) -> None:
    if member.size > limits.yaml_bytes:
        contents.yaml_too_large = True
        return
    file = archive.extractfile(member)
    contents.yaml = file.read() if file else b""


def _kind(member: tarfile.TarInfo) -> str:
    if member.isdir():
        return "folder"
    if member.issym() or member.islnk():
        return "link"
    if member.isreg() and not member.issparse():
        return "file"
    raise PackageRefused(
        f"{_shown(member.name)} is neither a file, a folder nor a link (a device, a pipe or a sparse file)."
    )


def _normal_name(name: str) -> str:
    if name.startswith("/") or "\0" in name:
        raise PackageRefused(
            f"{_shown(name)} is an absolute name. Names have to be relative to the project's folder."
        )
    if ".." in name.split("/"):
        raise PackageRefused(f"{_shown(name)} leads out of the project's folder.")
    if not name or len(name) > _LONGEST_NAME or max(map(len, name.split("/"))) > 255:
        raise PackageRefused(f"{_shown(name)} is empty or too long for a file's name.")
    return posixpath.normpath(name)


def _judge_links(contents: Contents) -> None:
    for name, kind in contents.names.items():
        for parent in _parents(name):
            above = contents.names.get(parent)
            if above in {"link", "file"}:
                raise PackageRefused(
                    f"{_shown(name)} lies below {_shown(parent)}, which is a {above}, not a folder."
                )
        if kind == "link" and name in contents.links:
            _follow(name, contents.links)
    for name, target in contents.hard_links.items():
        if contents.names.get(_normal_name(target)) != "file" or _normal_name(target) == name:
            raise PackageRefused(
                f"{_shown(name)} is a hard link to {_shown(target)}, which is no file of the package."
            )


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _follow(name: str, links: dict[str, str]) -> None:
    """Walk from the link to its target as the kernel would, through other links, and refuse the step out of the tree."""
    place = name.split("/")[:-1]
    todo = links[name].split("/")[::-1]
    if links[name].startswith("/"):
        raise PackageRefused(
            f"{_shown(name)} is a link to {_shown(links[name])}, outside of the project's folder."
        )
    steps = 0
    while todo:
        part = todo.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            if not place:
                raise PackageRefused(
                    f"{_shown(name)} is a link to {_shown(links[name])}, outside of the project's folder."
                )
            place.pop()
            continue
        target = links.get("/".join([*place, part]))
        if target is None:
            place.append(part)
            continue
        steps += 1
        if steps > _MAX_LINK_STEPS:
            raise PackageRefused(f"{_shown(name)} is a link that leads in a circle.")
        if target.startswith("/"):
            raise PackageRefused(f"{_shown(name)} is a link that leads out of the project's folder.")
        todo += target.split("/")[::-1]


def _shown(name: str) -> str:
    """The name in quotes, without anything that a terminal or JSON cannot show."""
    shown = name if len(name) <= 200 else name[:200] + "…"
    return (
        "'"
        + "".join(
            char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
            for char in shown
        )
        + "'"
    )
