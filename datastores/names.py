"""Names of files, which come from strangers."""

from datastores.errors import NameRefused

MAX_NAME_LENGTH = 1000


def checked_name(name: str) -> str:
    """The name as it is stored: relative, without empty or upward parts. Raises `NameRefused`."""
    relative = name.replace("\\", "/").lstrip("/")
    parts = [part for part in relative.split("/") if part not in ("", ".")]
    if not parts:
        raise NameRefused(name, "it is empty")
    if ".." in parts:
        raise NameRefused(name, "'..' would lead out of the outputs folder")
    if any(ord(character) < 32 or ord(character) == 127 for character in relative):
        raise NameRefused(name, "it contains control characters")
    if any("\ud800" <= character <= "\udfff" for character in relative):
        raise NameRefused(name, "it is not valid Unicode")
    joined = "/".join(parts)
    if len(joined) > MAX_NAME_LENGTH:
        raise NameRefused(name, f"it is longer than {MAX_NAME_LENGTH} characters")
    return joined
