"""What can be wrong with data, in words."""

from common.errors import DomainError, NotFound


class DatumNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        shown = str(reference)[:100].encode("utf-8", "replace").decode()
        super().__init__(f"There is no file '{shown}' that you can see.")


class AliasNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no alias '{name}' in this project.")


class StoreNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"There is no data store '{reference}' that you can see.")


class InputNotFound(DomainError):
    code = "does_not_exist"
    field = "inputs"

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"{uri[:200]} names no file of this project. Use datum://<id> or datum://<alias> as shown on the Data page."
        )


class InputSchemeUnsupported(DomainError):
    code = "unsupported_scheme"
    field = "inputs"

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"{uri[:200]} cannot be used as an input. Use datum://<id>, datum://<alias>, dataset://<name>/<version>, the address of a file in a data store "
            "(s3://, gs://, azure://, swift://), or an address that begins with http:// or https:// and names a host."
        )


class NoStoreForInput(DomainError):
    code = "no_store"
    field = "inputs"

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"No data store of this project holds {uri[:200]}. Connect the store that does, or let the project use it."
        )


class InputEmpty(DomainError):
    code = "no_match"
    field = "inputs"

    def __init__(self, uri: str) -> None:
        super().__init__(f"{uri[:200]} matches no file in its data store.")


class InputTooLarge(DomainError):
    code = "too_many_files"
    field = "inputs"

    def __init__(self, uri: str, most: int) -> None:
        super().__init__(f"{uri[:200]} matches more than {most} files. Use a narrower pattern.")


class InputPurged(DomainError):
    code = "purged"
    field = "inputs"

    def __init__(self, uri: str, name: str) -> None:
        super().__init__(f"{uri} was '{name}', whose content was purged. Choose another file.")


class NameRefused(DomainError):
    code = "invalid_name"
    field = "name"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The file name {name[:100]!r} cannot be stored: {reason}. Rename the file.")


class AliasNameRefused(DomainError):
    code = "invalid_name"
    field = "name"

    def __init__(self, name: str, longest: int) -> None:
        super().__init__(
            f"{name[:100]!r} cannot be an alias. Use 1 to {longest} printable characters without spaces, slashes, "
            "'?' and '#'; an id is no alias either."
        )


class PropertiesRefused(DomainError):
    code = "invalid_metadata"
    field = "metadata"


class DatumPurged(DomainError):
    code = "purged"
    http_status = 410

    def __init__(self, name: str) -> None:
        super().__init__(f"The content of '{name}' was purged; only its record is left.")


class StoreReadOnly(DomainError):
    code = "store_read_only"

    def __init__(self, name: str) -> None:
        super().__init__(f"The data store '{name}' does not take new files. Choose another store.")


class ChecksumWrong(DomainError):
    code = "checksum_wrong"
    field = "sha256"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' arrived with another content than its SHA-256 says. Upload it again.")


class UploadIncomplete(DomainError):
    code = "upload_incomplete"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' has not arrived in the store as announced. Upload it again.")


class UploadFinished(DomainError):
    code = "upload_finished"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' has arrived, and files never change. Upload the new content as a new file."
        )


class StoreRefused(DomainError):
    """A store cannot be like this; the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)


class StoreNotChangeable(DomainError):
    code = "forbidden"
    http_status = 403

    def __init__(self, name: str) -> None:
        super().__init__(
            f"You may not change the data store '{name}'. Ask an administrator of its project or an owner of its organization."
        )


class StoreInUse(DomainError):
    code = "store_in_use"
    http_status = 409

    def __init__(self, name: str, count: int) -> None:
        super().__init__(
            f"{count} file{'s' if count != 1 else ''} of projects lie in '{name}'. Their records would lead nowhere. Purge the "
            "files and delete their projects first, or forbid writing to it and keep it."
        )


class NoStoreForAddress(DomainError):
    code = "no_store"
    field = "uri"

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"No data store that this project may read holds {uri[:200]}. Use the address of one file, such as s3://bucket/key."
        )


class UriDownloadForbidden(DomainError):
    code = "uri_download_forbidden"
    http_status = 403

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The data store '{name}' does not let people download by address. Who administers it can allow it, or let the file be "
            "adopted; jobs may use the address as an input."
        )


class AddressNotFound(DomainError):
    code = "address_not_found"
    http_status = 404
    field = "uri"

    def __init__(self, uri: str, name: str) -> None:
        super().__init__(
            f"Not found in {name}: {uri[:300]}. Files of projects are downloaded on their Data page."
        )


class AdoptionForbidden(DomainError):
    code = "adoption_forbidden"
    http_status = 403

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Files of the data store '{name}' cannot be adopted into this project. The store's owner can allow it, and let the "
            "project use the store."
        )


class AdoptionRefused(DomainError):
    code = "invalid_addresses"
    field = "addresses"


class AdoptionNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"There is no adoption '{reference}' that you can see.")


class AdoptionEnded(DomainError):
    code = "adoption_ended"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("The adoption has ended; there is nothing left to cancel.")


class AdoptableNotFound(DomainError):
    code = "adoptable_file_not_found"

    def __init__(self, uri: str, name: str) -> None:
        super().__init__(f"Not found in {name}: {uri[:300]}")


class AlreadyAdopted(DomainError):
    """The official client reads that there is no code."""

    def __init__(self, uri: str, name: str) -> None:
        super().__init__(f"{uri[:300]} already exists in {name}")
        self.code = None  # type: ignore[assignment]


class DefaultStoreRefused(DomainError):
    code = "does_not_exist"

    def __init__(self, field: str, reference: object, who: str) -> None:
        super().__init__(
            f"There is no data store {reference} that {who} may write to. Choose one that is theirs and takes new files.",
            field=field,
        )
