"""Addresses of objects as users write them: `scheme://container/key`."""


def uri_of(scheme: str, container: str, key: str) -> str:
    return f"{scheme}://{container}/{key}"


def key_of(uri: str, scheme: str, container: str) -> str | None:
    """The key behind `scheme://container/`; None when the address begins otherwise or names no object."""
    prefix = f"{scheme}://{container}/"
    key = uri.removeprefix(prefix) if uri.startswith(prefix) else ""
    return key or None
