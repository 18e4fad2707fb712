"""Addresses of repositories: which are accepted, and what is in them.

Accepted are https, http and ssh (also as `git@host:path`, `git+https://` and `git+ssh://`), and local paths where the
operator allows them. Everything that git would take as an option or as a command to run is refused.
"""

import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from django.conf import settings

from common.errors import DomainError
from common.network import resolve_allowed

_SCP_LIKE = re.compile(
    r"\A(?:(?P<user>[A-Za-z0-9_][\w.-]*)@)?(?P<host>[A-Za-z0-9][\w.-]*):(?P<path>[^:-].*)\Z"
)
_HOST = re.compile(r"\A[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?\Z|\A[0-9A-Fa-f:.]+\Z")
_USER = re.compile(r"\A[A-Za-z0-9_][\w.@+-]*\Z")
_DEFAULT_PORTS = {"https": 443, "http": 80, "ssh": 22}


class AddressRefused(DomainError):
    field = "url"
    code = "url_refused"


@dataclass(frozen=True)
class Address:
    """A repository's address without secrets."""

    scheme: str  # https, http, ssh or file
    host: str
    port: int | None
    user: str
    path: str
    secret: str = ""  # what stood behind the user's name; never part of `url`
    scp_like: bool = False  # written `git@host:path`, where the path is relative to the user's home

    @property
    def url(self) -> str:
        """The address for git and for people."""
        if self.scheme == "file":
            return self.path
        if self.scp_like:
            return f"{self.user}@{self.host}:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return urlunsplit((self.scheme, user + host + port, self.path, "", ""))

    @property
    def origin(self) -> str:
        """Scheme, host and port: where a token may be sent."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "") + "/"

    @property
    def effective_port(self) -> int:
        return self.port or _DEFAULT_PORTS[self.scheme]

    def reachable_at(self) -> list[str]:
        """The network addresses that may be contacted for it; empty for a local path. Raises when it may not be."""
        if self.scheme == "file":
            _require_allowed_path(self.path)
            return []
        return resolve_allowed(self.host, self.effective_port)

    def resolve(self, relative: str) -> "Address":
        """The address of a submodule, which may be written relative to its parent's."""
        if not relative.startswith(("./", "../")):
            return parse_address(relative)
        path = posixpath.normpath(posixpath.join(self.path, relative))
        if path.startswith(".."):
            raise AddressRefused(f"The relative address {_shown(relative)} leads out of {self.url}.")
        if self.scheme == "file":
            path = _require_allowed_path(path)
        return replace(self, path=path)


def parse_address(text: str) -> Address:
    text = text.strip()
    if not text:
        raise AddressRefused("Give the address of the repository.")
    if (
        len(text) > 1000
        or not text.isprintable()
        or " " in text
        or text.startswith("-")
        or "::" in text.split("[")[0]
    ):
        raise AddressRefused(f"{_shown(text)} is not an address of a repository.")
    text = text.removeprefix("git+")
    if "://" in text:
        return _from_url(text)
    if text.startswith("/"):
        return _local(text)
    match = _SCP_LIKE.match(text)
    if match is None:
        raise AddressRefused(
            f"{_shown(text)} is not an address of a repository. Use https://host/path or git@host:path."
        )
    return Address("ssh", match["host"], None, match["user"] or "git", match["path"], scp_like=True)


def _from_url(text: str) -> Address:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"{_shown(text)} is not an address of a repository: {error}.") from error
    if parts.scheme == "file":
        return _local(unquote(parts.path))
    if parts.scheme not in _DEFAULT_PORTS:
        raise AddressRefused(f"'{parts.scheme}' is not supported. Use https, ssh or git@host:path.")
    host, user = parts.hostname or "", unquote(parts.username or "")
    if not _HOST.match(host) or (user and not _USER.match(user)) or not parts.path.strip("/"):
        raise AddressRefused(f"{_shown(text)} names no host and path of a repository.")
    if parts.query or parts.fragment or parts.path.startswith("/-"):
        raise AddressRefused(
            "An address of a repository has no '?' or '#', and its path does not begin with '-'."
        )
    secret = unquote(parts.password or "")
    if parts.scheme == "ssh":
        return Address("ssh", host, port, user or "git", parts.path)
    if user and not secret:  # https://<token>@host/path
        user, secret = "", user
    return Address(parts.scheme, host, port, user, parts.path, secret)


def _local(path: str) -> Address:
    return Address("file", "", None, "", _require_allowed_path(path))


def _require_allowed_path(path: str) -> str:
    """The real path; refused unless the operator opened a folder that holds it."""
    real = Path(path).resolve()
    roots = [Path(root).resolve() for root in settings.LOCAL_REPOSITORY_ROOTS]
    if not settings.ALLOW_LOCAL_REPOSITORIES or not any(real.is_relative_to(root) for root in roots):
        raise AddressRefused(
            "This installation does not read repositories from that local path. The operator can allow folders with "
            "ALLOW_LOCAL_REPOSITORIES and LOCAL_REPOSITORY_ROOTS."
        )
    return str(real)


def _shown(text: str) -> str:
    """The text without what may be a password, safe to print."""
    return repr(re.sub(r"//[^/@]*@", "//…@", text)[:200])
