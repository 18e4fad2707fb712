"""Folders whose paths are short enough for Unix sockets."""

import hashlib
import os
import tempfile
from pathlib import Path

# The kernel's limit is 107 bytes; PostgreSQL puts `/postgres/.s.PGSQL.5432.lock` behind the folder's name.
LONGEST_FOLDER_BYTES = 75


def socket_folder(wanted: Path) -> Path:
    """`wanted`, or, when its path is too long for sockets in it, a private folder of the same meaning in the temporary folder.

    The fallback depends on `wanted` alone, so that the next start finds the sockets of the last one.
    """
    wanted = wanted.resolve()
    if len(os.fsencode(wanted)) <= LONGEST_FOLDER_BYTES:
        folder = wanted
    else:
        digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"mlops-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # In the temporary folder somebody else might have been first, and would read every password.
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else. Remove it, then start again.")
    return folder
