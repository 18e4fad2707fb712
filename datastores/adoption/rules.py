"""What may be adopted: from which store, by which addresses, under which name."""

from collections.abc import Sequence

from datastores.addresses import prefix_of
from datastores.errors import AdoptionForbidden, AdoptionRefused
from datastores.models import DataStore
from datastores.selectors import readable_by
from projects.models import Project

MOST_ADDRESSES = 10_000
LONGEST_ADDRESS = 4096
_MOST_NAMED = 3


def require_adoptable(store: DataStore, project: Project) -> None:
    """The store allows it, and the project may use the store at all. Raises `AdoptionForbidden`."""
    if not store.allow_adopt or not readable_by(project).filter(pk=store.pk).exists():
        raise AdoptionForbidden(store.name)


def names_many(uri: str) -> bool:
    """Whether an address stands for whatever is there: it has a wildcard, or is a folder with its slash."""
    return "*" in uri or uri.strip().endswith("/")


def pattern_of(key: str) -> str:
    """What the keys of a folder or of the whole store match."""
    return key if "*" in key else f"{key}**"


def checked_addresses(store: DataStore, addresses: Sequence[str]) -> list[str]:
    """Each once, in their order, without empty lines. Raises `AdoptionRefused` unless all of them lie in the store."""
    wanted = list(dict.fromkeys(address.strip() for address in addresses if address.strip()))
    prefix = prefix_of(store)
    if not prefix:
        raise AdoptionRefused(f"Files of '{store.name}' have no address. Choose a store that was connected.")
    if not wanted:
        raise AdoptionRefused(f"Give at least one address, such as {prefix}folder/ or {prefix}folder/*.csv.")
    if len(wanted) > MOST_ADDRESSES:
        raise AdoptionRefused(
            f"{len(wanted)} addresses are too many at once. Give at most {MOST_ADDRESSES}, or a folder or wildcard."
        )
    wrong = [
        address[:200]
        for address in wanted
        if not address.startswith(prefix) or len(address) > LONGEST_ADDRESS or not address.isprintable()
    ]
    if wrong:
        more = f" and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
        raise AdoptionRefused(
            f"Not in {store.name}: {', '.join(wrong[:_MOST_NAMED])}{more}. Its addresses begin with {prefix}"
        )
    return wanted
