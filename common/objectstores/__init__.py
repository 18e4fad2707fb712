"""Object stores behind one interface: Amazon S3 and what speaks it, Google Cloud Storage, Azure Blob Storage, OpenStack
Swift, and the file system that the platform serves itself.

Bytes of files pass through here only for tests, previews and packages of datasets: a store *grants* single requests on single
objects, for a while, to whoever moves the bytes. `opening.py` opens one by its configuration; cloud libraries are loaded there, when needed.
"""

from common.objectstores.types import (
    Download,
    Grant,
    ObjectFacts,
    ObjectMissing,
    ObjectStore,
    Part,
    StoreProblem,
    part_extents,
    part_size,
)

__all__ = [
    "Download",
    "Grant",
    "ObjectFacts",
    "ObjectMissing",
    "ObjectStore",
    "Part",
    "StoreProblem",
    "part_extents",
    "part_size",
]
