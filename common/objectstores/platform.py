"""The platform's own storage (`STORAGES["default"]`) as an object store, whatever its kind."""

from typing import Any

from django.core.files.storage import FileSystemStorage, storages

from common.objectstores.types import ObjectStore


def platform_store() -> ObjectStore:
    return store_of(storages["default"])


def store_of(storage: Any) -> ObjectStore:
    """The object store behind a Django storage, with the client that the storage already holds.

    Kinds are told apart by class name, and their modules loaded here, so that no cloud library is loaded for another kind.
    """
    if isinstance(storage, FileSystemStorage):
        from common.objectstores.filesystem import FilesystemStore

        return FilesystemStore(storage)
    names = {base.__name__ for base in type(storage).__mro__}
    if "S3Storage" in names:
        from common.objectstores.s3 import S3Store

        return S3Store(storage.connection.meta.client, storage.bucket_name)
    if "GoogleCloudStorage" in names:
        from common.objectstores.google import GoogleStore

        return GoogleStore(storage.bucket)
    if "AzureStorage" in names:
        from common.objectstores.azure import AzureStore

        return AzureStore(storage.client, storage.client.account_name, account_key=storage.account_key)
    raise TypeError(
        f"{type(storage).__name__} cannot sign addresses. Use filesystem, s3, gcs or azure storage."
    )
