"""Which registry credentials an image is pulled with. Pure: patterns and names, no database, no network.

A pattern is the name of an image with `*` for any characters, slashes too. The host is written in full, because the
credentials are sent to it: a wildcard there would send them wherever an image says. The most specific pattern wins.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from common.configuration import Key

DOCKER_HUB = "docker.io"
_OTHER_NAMES_OF_THE_HUB = {"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
LONGEST_PATTERN = 255

VERSION = Key("version", "version of the format", choices=("1",))
REGION = Key("region", "region", hint="Such as eu-west-1.", required=True)
KEYS: dict[str, tuple[Key, ...]] = {
    "docker": (
        Key("username", "user name", required=True),
        Key("password", "password or token", secret=True, required=True),
        VERSION,
    ),
    "aws-ecr": (
        REGION,
        Key("access_key_id", "access key id", secret=True, required=True),
        Key("secret_access_key", "secret access key", secret=True, required=True),
        VERSION,
    ),
    "aws-ecr-role": (REGION, Key("role_name", "role of the machine", required=True), VERSION),
    "gcp-cr": (
        Key(
            "service_account_json", "key of the service account", hint="The whole JSON file.",
            secret=True, required=True, multiline=True,
        ),
        VERSION,
    ),
}  # fmt: skip
"""What the configuration of each kind holds."""


class Patterned(Protocol):
    @property
    def image_pattern(self) -> str: ...


Credentials = TypeVar("Credentials", bound=Patterned)


def matching(credentials: Iterable[Credentials], image: str) -> Credentials | None:
    """Those whose pattern fits `image` best: with the most characters that are no wildcard, else the first by pattern."""
    name = full_name(image)
    fitting = [given for given in credentials if matches(given.image_pattern, name)]
    return min(fitting, key=lambda given: _rank(given.image_pattern), default=None)


def matches(pattern: str, image: str) -> bool:
    """Whether `pattern` stands for `image`, whichever tag or digest the image has if the pattern names none."""
    wanted, name = full_name(pattern), full_name(image)
    return _fits(wanted, name) or _fits(wanted, _without_tag(name))


def full_name(image: str) -> str:
    """With the host, as Docker completes short names: `python` is `docker.io/library/python`."""
    host, slash, path = image.strip().partition("/")
    if not slash or not _is_host(host):
        host, path = DOCKER_HUB, image.strip()
    host = host.lower()
    if host in _OTHER_NAMES_OF_THE_HUB:
        host = DOCKER_HUB
    if host == DOCKER_HUB and "/" not in path and not path.startswith("*"):
        path = f"library/{path}"
    return f"{host}/{path}"


def host_of(pattern: str) -> str:
    """Where the credentials of a pattern are sent."""
    return full_name(pattern).partition("/")[0]


def fault_in(pattern: str) -> str | None:
    """Why this cannot be a pattern, in words."""
    if (
        not 0 < len(pattern) <= LONGEST_PATTERN
        or not pattern.isascii()
        or not pattern.isprintable()
        or " " in pattern
    ):
        return f"Use 1 to {LONGEST_PATTERN} characters without spaces, such as docker.io/acme/*."
    if "://" in pattern:
        return (
            "Write the pattern as an image is written, without http://, such as registry.example.com/acme/*."
        )
    first = pattern.partition("/")[0]
    if "*" in first:
        return "Begin with the whole host of the registry, such as docker.io/acme/*: the credentials are sent to it."
    return None


def _is_host(text: str) -> bool:
    return "." in text or ":" in text or text == "localhost"


def _without_tag(name: str) -> str:
    name = name.partition("@")[0]
    before, colon, after = name.rpartition(":")
    return before if colon and "/" not in after else name


def _rank(pattern: str) -> tuple[int, str]:
    return -len(full_name(pattern).replace("*", "")), pattern


def _fits(pattern: str, text: str) -> bool:
    """Literal pieces one after the other, each at its first place: linear, whatever somebody writes."""
    first, *others = pattern.split("*")
    if not others:
        return pattern == text
    *middle, last = others
    if not text.startswith(first):
        return False
    position = len(first)
    for piece in middle:
        found = text.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return len(text) - position >= len(last) and text.endswith(last)
