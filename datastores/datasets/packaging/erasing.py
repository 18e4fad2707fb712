"""Bytes of dropped packages leave the store."""

from datetime import timedelta
from uuid import UUID

from common import clock
from common.objectstores import part_size
from datastores.models import DatasetPackage
from datastores.opening import object_store

WRITTEN_AFTER = timedelta(days=1)
"""For so long a builder that was taken for dead may still write what is to go."""


def erase(package_id: UUID) -> None:
    """Remove the bytes of a dropped package, and the row when nobody can write any of them any more. Repeating it changes
    nothing; what is wrong with the store reaches the caller."""
    dropped = DatasetPackage.objects.filter(pk=package_id, status=DatasetPackage.Status.DROPPED)
    package = dropped.select_related("store").first()
    if package is None:
        return
    store = object_store(package.store)
    if package.upload_id and not package.sha256:
        part_count = -(-package.size_bytes // part_size(package.size_bytes, store.limits))
        store.abandon_upload(package.key, upload_id=package.upload_id, part_count=part_count)
    store.delete(package.key)
    if package.sha256 or (package.dropped_at and package.dropped_at < clock.now() - WRITTEN_AFTER):
        dropped.delete()
