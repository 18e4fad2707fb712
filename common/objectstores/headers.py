"""HTTP headers that present an object as somebody's data."""

from urllib.parse import quote


def disposition(filename: str, *, inline: bool) -> str:
    """A Content-Disposition header for any name, RFC 6266."""
    ascii_name = "".join(c if c.isascii() and c.isprintable() and c not in '"\\/' else "_" for c in filename)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"
