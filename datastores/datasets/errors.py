"""What can be wrong with datasets, in words."""

from collections.abc import Sequence

from common.errors import DomainError, NotFound

MOST_NAMES = 10
"""That a message lists."""


def listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


class DatasetNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"There is no dataset '{_short(reference)}' that you can see.")


class VersionNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"There is no version '{_short(reference)}' of a dataset that you can see.")


class VersionAliasNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"There is no alias '{_short(reference)}' of a dataset that you can see.")


class DatasetForbidden(DomainError):
    code = "forbidden"
    http_status = 403

    def __init__(self, name: str) -> None:
        super().__init__(
            f"You may not change the dataset '{name}'. Ask somebody who works in one of its projects, or an owner of the "
            "organization."
        )


class DatasetOwnerRefused(DomainError):
    code = "does_not_exist"
    field = "owner"

    def __init__(self, reference: object) -> None:
        super().__init__(
            f"You cannot make datasets for '{_short(reference)}'. Name yourself or an organization of yours."
        )


class DatasetNameRefused(DomainError):
    code = "invalid_name"
    field = "name"

    def __init__(self, name: str, of: str, reason: str) -> None:
        super().__init__(
            f"{name[:100]!r} cannot be the name of a {of}: {reason}.".replace("a alias", "an alias")
        )


class DatasetNameTaken(DomainError):
    code = "unique"
    field = "name"

    def __init__(self, name: str, owner: object, *, deleted: bool = False) -> None:
        why = (
            "was deleted; its name stays taken, so that old addresses mean nothing else"
            if deleted
            else "is there already"
        )
        super().__init__(f"A dataset '{name}' of {owner} {why}. Choose another name.")


class VersionNameTaken(DomainError):
    code = "unique"
    field = "name"

    def __init__(self, uri: str, kind: str = "version") -> None:
        super().__init__(
            f"{uri} is there already{' as an alias' if kind == 'alias' else ''}, and versions never change. Choose another name."
        )


class AliasNameTaken(DomainError):
    code = "unique"
    field = "name"

    def __init__(self, uri: str) -> None:
        super().__init__(f"{uri} is a version, so that it cannot be an alias too. Choose another name.")


class DatasetAddressRefused(DomainError):
    code = "invalid_address"
    field = "uri"

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"{uri[:200]} names no version of a dataset. Write dataset://<name>/<version>, dataset://<name>/<alias> or "
            "dataset://<name>/latest."
        )


class DatasetUnknown(DomainError):
    """An address in a project whose dataset is not there; says which ones are."""

    code = "does_not_exist"
    field = "inputs"

    def __init__(self, uri: str, name: str, known: Sequence[str]) -> None:
        there = f"It can use: {listed(known)}" if known else "It has none yet"
        super().__init__(
            f"{uri[:200]}: there is no dataset '{name[:128]}' that this project can use. {there}."
        )


class VersionUnknown(DomainError):
    code = "does_not_exist"
    field = "inputs"

    def __init__(self, uri: str, dataset: str, known: Sequence[str]) -> None:
        there = f"It has: {listed(known)}" if known else "It has no versions yet"
        super().__init__(f"{uri[:200]}: the dataset '{dataset}' has no such version or alias. {there}.")


class VersionIncomplete(DomainError):
    """Some files of a version cannot be read any more."""

    code = "purged"
    field = "inputs"

    def __init__(self, uri: str, names: Sequence[str], count: int) -> None:
        more = f" and {count - len(names)} more" if count > len(names) else ""
        super().__init__(
            f"{uri}: the content of {', '.join(names)}{more} is gone: purged, or deleted with its project. Use a version without "
            "these files."
        )


class VersionEmpty(DomainError):
    code = "no_match"
    field = "inputs"

    def __init__(self, uri: str) -> None:
        super().__init__(f"{uri} holds no files.")


class FilesRefused(DomainError):
    field = "files"


class ExcludeRefused(DomainError):
    code = "no_match"
    field = "exclude"


class DatasetProjectsRefused(DomainError):
    code = "does_not_exist"
    field = "associated_project_ids"

    def __init__(self, references: Sequence[object]) -> None:
        super().__init__(
            f"{listed([str(one) for one in references])}: not a project of the dataset's owner in which you work. A dataset can "
            "only be there for projects of its owner."
        )


class TagsRefused(DomainError):
    code = "invalid_tags"
    field = "tags"


def _short(reference: object) -> str:
    return str(reference)[:100].encode("utf-8", "replace").decode()
