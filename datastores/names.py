"""Names of files, aliases and tags, which come from strangers."""

from uuid import UUID

from datastores.errors import AliasNameRefused, NameRefused

MAX_NAME_LENGTH = 1000
MAX_ALIAS_LENGTH = 128
MAX_TAG_LENGTH = 128


def checked_name(name: str) -> str:
    """The name as it is stored: relative, without empty or upward parts. Raises `NameRefused`."""
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        raise NameRefused(name, "it contains control characters")
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise NameRefused(name, "it is not valid Unicode")
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts:
        raise NameRefused(name, "it is empty")
    if ".." in parts:
        raise NameRefused(name, "'..' would lead out of the outputs folder")
    joined = "/".join(parts)
    if len(joined) > MAX_NAME_LENGTH:
        raise NameRefused(name, f"it is longer than {MAX_NAME_LENGTH} characters")
    return joined


def checked_alias(name: str) -> str:
    """A name that `datum://<name>` can carry and that no id looks like. Raises `AliasNameRefused`."""
    alias = name.strip()
    fits = 0 < len(alias) <= MAX_ALIAS_LENGTH and alias.isprintable()
    if not fits or any(character.isspace() or character in "/\\?#" for character in alias) or _is_id(alias):
        raise AliasNameRefused(name, MAX_ALIAS_LENGTH)
    return alias


def is_tag(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= MAX_TAG_LENGTH and value.isprintable()


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
