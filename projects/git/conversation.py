"""One conversation with one remote: the credentials are in a private temporary folder for as long as it lasts.

The token is in a configuration file and the key in a key file, both readable only by this user: they are in no
argument, environment, remote address or error text, and submodules, whose git clears the environment, use them too.
"""

import base64
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from django.conf import settings

from projects.git.addresses import Address
from projects.git.runner import Surroundings

_PASSED_ON = ("PATH", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
              "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_EXEC_PATH")  # fmt: skip
_CONNECT_TIMEOUT_SECONDS = 15


@dataclass(frozen=True)
class Credentials:
    """What opens a repository. `known_hosts` are the host keys accepted so far."""

    access_token: str = ""
    private_key: str = ""
    known_hosts: str = ""
    lfs: bool = False


@dataclass(frozen=True)
class Conversation:
    folder: Path
    address: Address
    credentials: Credentials

    @cached_property
    def local(self) -> Surroundings:
        """The surroundings of commands that stay on this machine."""
        return self._surroundings(self.address, [], protocols="file")

    def around(self, address: Address | None = None) -> Surroundings:
        """The surroundings of commands that talk to `address`, by default to the repository itself.

        Contacting only addresses that were judged is ensured here: the name is resolved once, and git and ssh are told
        to connect to what was found.
        """
        address = address or self.address
        return self._surroundings(address, address.reachable_at(), protocols=address.scheme)

    def _surroundings(self, address: Address, found: list[str], protocols: str) -> Surroundings:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= _FIXED | {
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "GIT_CONFIG_GLOBAL": str(self._configuration(address, found)),
            "GIT_ALLOW_PROTOCOL": protocols,
            "GIT_SSH_COMMAND": shlex.join(self._ssh(address, found)),
        }
        return Surroundings(environment, address.url, address.host)

    @property
    def known_hosts(self) -> str:
        """The accepted host keys, with those that ssh met first in this conversation."""
        return self._known_hosts_file.read_text(encoding="utf-8")

    @property
    def _known_hosts_file(self) -> Path:
        return self.folder / "known_hosts"

    def _configuration(self, address: Address, found: list[str]) -> Path:
        lines = [
            "[core]", "hooksPath = /dev/null", "fsmonitor = false", "symlinks = true", "autocrlf = false",
            "[safe]", "directory = *",
            "[fetch]", "fsckObjects = false", "writeCommitGraph = false",
            "[gc]", "auto = 0",
            "[maintenance]", "auto = false",
            "[credential]", "helper =",
            "[advice]", "detachedHead = false",
            "[protocol]", "version = 2",
            "[http]", "lowSpeedLimit = 1000", "lowSpeedTime = 60",
        ]  # fmt: skip
        if not settings.ALLOW_PRIVATE_NETWORK_URLS:
            # A redirect could lead to an address that was never judged.
            lines.append("followRedirects = false")
            if found and address.scheme in {"http", "https"}:
                lines.append(f'curloptResolve = "{address.host}:{address.effective_port}:{",".join(found)}"')
        if self.credentials.access_token and self.address.scheme in {"http", "https"}:
            lines += [f'[http "{self.address.origin}"]', f'extraHeader = "{self._authorization()}"']
        if self.credentials.lfs:
            lines += [
                '[filter "lfs"]', "clean = git-lfs clean -- %f", "smudge = git-lfs smudge -- %f",
                "process = git-lfs filter-process", "required = true",
                "[lfs]", "locksverify = false", "concurrenttransfers = 3",
            ]  # fmt: skip
        path = self.folder / f"gitconfig-{len(list(self.folder.glob('gitconfig-*')))}"
        _write_private(path, "\n".join(lines) + "\n")
        return path

    def _authorization(self) -> str:
        user = self.address.user or "x-access-token"
        pair = f"{user}:{self.credentials.access_token}"
        return "Authorization: Basic " + base64.b64encode(pair.encode()).decode()

    def _knows(self, address: Address) -> bool:
        if address.scheme != "ssh":
            return False
        hosts = [line.split(" ")[0].split(",") for line in self.known_hosts.splitlines()]
        return any(_alias(address).lower() in names for names in hosts)

    def _ssh(self, address: Address, found: list[str]) -> list[str]:
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "PreferredAuthentications": "publickey",
            # The first contact accepts what it finds; from then on that key is the only right one.
            "StrictHostKeyChecking": "yes" if self._knows(address) else "accept-new",
            "UserKnownHostsFile": str(self._known_hosts_file),
            "GlobalKnownHostsFile": "/dev/null",
            "HashKnownHosts": "no",
            "CheckHostIP": "no",
            "UpdateHostKeys": "no",
            "ConnectTimeout": str(_CONNECT_TIMEOUT_SECONDS),
            "ServerAliveInterval": "15",
            "ForwardAgent": "no",
            "ClearAllForwardings": "yes",
            "PermitLocalCommand": "no",
            "LogLevel": "ERROR",
        }
        if address.scheme == "ssh" and found and not settings.ALLOW_PRIVATE_NETWORK_URLS:
            options |= {"HostName": found[0], "HostKeyAlias": _alias(address)}
        command = ["ssh", "-F", "/dev/null", "-i", str(self.folder / "key")]
        return command + [part for name, value in options.items() for part in ("-o", f"{name}={value}")]


_FIXED = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GCM_INTERACTIVE": "never",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_SSH_VARIANT": "ssh",
    "GIT_TRACE_REDACT": "1",
}


@contextmanager
def talk(address: Address, credentials: Credentials) -> Iterator[Conversation]:
    with tempfile.TemporaryDirectory(prefix="git-") as name:
        folder = Path(name)
        _write_private(folder / "key", credentials.private_key)
        _write_private(folder / "known_hosts", credentials.known_hosts)
        yield Conversation(folder, address, credentials)


def _alias(address: Address) -> str:
    """How the host is called in known_hosts; as ssh itself would, so that an entry can be pasted from elsewhere."""
    return address.host if address.effective_port == 22 else f"[{address.host}]:{address.effective_port}"


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
