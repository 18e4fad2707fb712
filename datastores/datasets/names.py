"""Names of datasets, versions and aliases, and the addresses that are made of them: `dataset://<dataset>/<version>`."""

import unicodedata
from dataclasses import dataclass
from uuid import UUID

from datastores.datasets.errors import DatasetAddressRefused, DatasetNameRefused

SCHEME = "dataset://"
LATEST = "latest"
MAX_LENGTH = 128
_NOT_IN_ADDRESSES = frozenset("/\\?#{}*")


@dataclass(frozen=True)
class Address:
    """What an address names. `version` is the name of a version or alias, `latest`, or the id of a version."""

    dataset: str
    version: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.dataset}/{self.version}"

    @property
    def key(self) -> tuple[str, str]:
        """Equal for addresses that name the same: case does not matter."""
        return self.dataset.casefold(), self.version.casefold()


def checked_dataset_name(name: str) -> str:
    """The name as it is stored. Raises `DatasetNameRefused`."""
    return _checked(name, "dataset")


def checked_version_name(name: str) -> str:
    """The same for a version; `latest` is always the newest one, and so no name. Raises `DatasetNameRefused`."""
    checked = _checked(name, "version")
    if checked.casefold() == LATEST:
        raise DatasetNameRefused(name, "version", f"'{LATEST}' always means the newest version")
    return checked


def checked_alias_name(name: str) -> str:
    checked = _checked(name, "alias")
    if checked.casefold() == LATEST:
        raise DatasetNameRefused(name, "alias", f"'{LATEST}' always means the newest version")
    return checked


def parse_address(uri: str) -> Address:
    """Raises `DatasetAddressRefused` for what names no version of a dataset."""
    text = normalized(uri)
    dataset, slash, version = text[len(SCHEME) :].partition("/")
    if not text.lower().startswith(SCHEME) or not dataset or not slash or not version or "/" in version:
        raise DatasetAddressRefused(uri)
    return Address(dataset, version)


def parse_new_version(uri: str) -> Address:
    """The address of a version that is to be made. Raises `DatasetAddressRefused` or `DatasetNameRefused`."""
    address = parse_address(uri)
    return Address(checked_dataset_name(address.dataset), checked_version_name(address.version))


def normalized(text: str) -> str:
    """One spelling for texts that look alike because their accents are put together differently."""
    return unicodedata.normalize("NFC", text.replace("\0", "").strip())


def is_address(uri: str) -> bool:
    return uri.strip().lower().startswith(SCHEME)


def _checked(name: str, of: str) -> str:
    text = normalized(name)
    if not text or len(text) > MAX_LENGTH:
        raise DatasetNameRefused(name, of, f"it needs 1 to {MAX_LENGTH} characters")
    if "\0" in name or not text.isprintable():
        raise DatasetNameRefused(name, of, "it contains characters that cannot be seen")
    if _NOT_IN_ADDRESSES & set(text) or text in {".", ".."}:
        raise DatasetNameRefused(
            name, of, "'/', '\\', '?', '#', '*', '{' and '}' mean something in addresses"
        )
    if _is_id(text):
        raise DatasetNameRefused(name, of, "it looks like an id")
    return text


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
