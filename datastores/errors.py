"""What can be wrong with data, in words."""

from common.errors import DomainError, NotFound


class DatumNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"There is no file '{reference}' that you can see.")


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
            f"{uri} names no file of this project. Use datum://<id> or datum://<alias> as shown on the Data page."
        )


class InputSchemeUnsupported(DomainError):
    code = "unsupported_scheme"
    field = "inputs"

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"{uri} cannot be used as an input: addresses begin with datum://, http:// or https://."
        )


class NameRefused(DomainError):
    code = "invalid_name"
    field = "name"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The file name {name[:100]!r} cannot be stored: {reason}. Rename the file.")


class DatumPurged(DomainError):
    code = "purged"
    http_status = 410

    def __init__(self, name: str) -> None:
        super().__init__(f"The content of '{name}' was purged; only its record is left.")


class StoreReadOnly(DomainError):
    code = "store_read_only"

    def __init__(self, name: str) -> None:
        super().__init__(f"The data store '{name}' does not take new files. Choose another store.")


class UploadIncomplete(DomainError):
    code = "upload_incomplete"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' has not arrived in the store as announced. Upload it again.")
