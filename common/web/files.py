"""The file system storage by signed address: ranged downloads and streamed uploads under /files/.

The address is the credential, so that there are no cookies here and nothing a page could be tricked into doing. What is
served is whatever a job wrote: it is never shown as a page of this site.
"""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from django.core.files.storage import default_storage
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common.files.presigners import disposition
from common.files.tokens import AddressInvalid, FileToken, verify
from common.rest.errors import plain_body

BLOCK_BYTES = 256 * 1024
_RANGE = re.compile(r"\Abytes=(\d*)-(\d*)\Z")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "PUT"])
def signed_file(request: HttpRequest, token: str, filename: str) -> HttpResponseBase:
    method = "PUT" if request.method == "PUT" else "GET"
    try:
        granted = verify(token, method=method, now=time.time())
    except AddressInvalid as error:
        return _refused(403, str(error), "address_invalid")
    path = Path(default_storage.path(granted.name))
    if method == "PUT":
        return _receive(request, granted, path)
    return _serve(request, granted, path, filename)


def _serve(request: HttpRequest, granted: FileToken, path: Path, filename: str) -> HttpResponseBase:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return _refused(404, "The file is gone: it was purged or its store was cleaned.", "not_found")
    size = os.fstat(file.fileno()).st_size
    wanted = _range(request.headers.get("Range", ""), size)
    response: FileResponse | StreamingHttpResponse
    if wanted is None:
        response = FileResponse(file, content_type=granted.content_type)
        response["Content-Length"] = str(size)
    elif wanted[0] >= size or wanted[0] > wanted[1]:
        file.close()
        refused = _refused(416, f"The file has {size} bytes.", "range")
        refused["Content-Range"] = f"bytes */{size}"
        return refused
    else:
        first, last = wanted
        response = StreamingHttpResponse(
            _part(file, first, last), status=206, content_type=granted.content_type
        )
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
        response["Content-Length"] = str(last - first + 1)
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = disposition(filename, granted.inline)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = (
        "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"
    )
    response["Cache-Control"] = "private, max-age=300"
    return response


def _range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte asked for; None for the whole file."""
    found = _RANGE.match(header)
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first == "":
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _part(file: BinaryIO, first: int, last: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        remaining = last - first + 1
        while remaining > 0 and (block := file.read(min(BLOCK_BYTES, remaining))):
            remaining -= len(block)
            yield block


def _receive(request: HttpRequest, granted: FileToken, path: Path) -> HttpResponse:
    """Write the body beside its place and move it there whole, so that nobody ever sees half a file."""
    expected = int(request.headers.get("Content-Length") or -1)
    if granted.size_bytes is not None and expected > granted.size_bytes:
        return _refused(413, f"The upload was announced with {granted.size_bytes} bytes.", "too_large")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".upload-", delete=False) as file:
            temporary = Path(file.name)
            try:
                received = _copy(request, file, granted.size_bytes)
                if expected not in (-1, received):
                    return _refused(400, f"Only {received} of {expected} bytes arrived.", "incomplete")
                file.flush()
                os.fsync(file.fileno())
                temporary.chmod(0o644)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
    except _TooLarge:
        return _refused(413, f"The upload was announced with {granted.size_bytes} bytes.", "too_large")
    except OSError as error:
        return _refused(
            507,
            f"The store cannot take the file: {error.strerror}. Free space, then try again.",
            "store_full",
        )
    return JsonResponse({"size": received}, status=201)


class _TooLarge(Exception):
    pass


def _copy(request: HttpRequest, file: object, limit_bytes: int | None) -> int:
    received = 0
    while block := request.read(BLOCK_BYTES):
        received += len(block)
        if limit_bytes is not None and received > limit_bytes:
            raise _TooLarge
        file.write(block)  # type: ignore[attr-defined]
    return received


def _refused(status: int, message: str, code: str) -> HttpResponse:
    return JsonResponse(plain_body(message, code), status=status)
