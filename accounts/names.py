"""Names of new users and organizations. Older names may be longer and stay as they are."""

import re
import unicodedata

from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from accounts.errors import NameRefused
from accounts.models import Owner

LONGEST = 39

RESERVED = frozenset({
    # What addresses of pages begin with, or may begin with one day.
    "account", "accounts", "admin", "api", "assets", "audit", "auth", "environments", "executions",
    "favicon.ico", "files", "healthz", "invitations", "launch", "login", "logout", "me", "media",
    "new", "organization", "organizations", "p", "pipelines", "profile", "projects", "readyz",
    "register", "registries", "robots.txt", "server", "sessions", "settings", "signup", "static",
    "stores", "teams", "token", "tokens", "users", "webhooks", "ws",
    # What would be read as something else.
    "all", "anonymous", "everybody", "everyone", "nobody", "none", "null", "owner", "personal",
    "public", "self", "system", "undefined",
})  # fmt: skip

_FORM = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_ALLOWED = re.compile(r"[A-Za-z0-9_.-]")


def checked_owner_name(name: str) -> str:
    """The name, if a new user or organization may have it. Raises `NameRefused`.

    Users and organizations share one name space in which upper and lower case are the same.
    """
    _check_form(name)
    if name.lower() in RESERVED:
        raise NameRefused(f"'{name}' is reserved for the platform. Choose another name.", code="reserved")
    if Owner.objects.filter(Exact(Lower("name"), name.lower())).exists():
        raise taken(name)
    return name


def taken(name: str) -> NameRefused:
    return NameRefused(
        f"A user or organization called '{name}' exists already. Choose another name.", code="unique"
    )


def _check_form(name: str) -> None:
    if not name:
        raise NameRefused("Give a name.", code="required")
    if len(name) > LONGEST:
        raise NameRefused(
            f"The name has {len(name)} characters; at most {LONGEST} are possible.", code="max_length"
        )
    strange = next((character for character in name if not _ALLOWED.fullmatch(character)), None)
    if strange is not None:
        raise NameRefused(
            f"The name has {_described(strange)} in it. Use letters from A to Z, digits, '-', '_' and '.'."
        )
    if not _FORM.fullmatch(name):
        raise NameRefused("The name has to begin and end with a letter from A to Z or a digit.")


def _described(character: str) -> str:
    """So that one sees what is wrong with a letter that looks like another one."""
    if character == "/":
        return "a slash"
    if character.isspace():
        return "a blank"
    name = unicodedata.name(character, f"U+{ord(character):04X}")
    return f"'{character}' ({name.lower()})" if character.isprintable() else f"a character ({name.lower()})"
