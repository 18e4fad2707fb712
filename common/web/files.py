"""The file system storage by signed address, as a Django view: for `manage.py runserver` and for tests.

In operation `common.files.asgi` answers these addresses on the event loop, before Django.
"""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from common.errors import DomainError
from common.files.receiving import receive
from common.files.requests import FileRequest, read_request
from common.files.serving import BLOCK_BYTES, Answer, RangeImpossible, answer
from common.rest.errors import plain_body


@csrf_exempt
def signed_file(request: HttpRequest, token: str, filename: str) -> HttpResponseBase:
    """The address is the credential: no cookie is read, and there is nothing that a page could be tricked into."""
    method = request.method or ""
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        asked = read_request(method=method, token=token, filename=filename, headers=headers)
        return _receive(request, asked) if method == "PUT" else _serve(asked, with_content=method == "GET")
    except DomainError as error:
        return _refused(error)


def _serve(asked: FileRequest, *, with_content: bool) -> HttpResponseBase:
    found = answer(asked)
    response: HttpResponseBase
    if with_content and found.length:
        response = StreamingHttpResponse(_blocks(found), status=found.status)
    else:
        found.file.close()
        response = HttpResponse(status=found.status)
    for name, value in found.headers.items():
        response[name] = value
    return response


def _blocks(found: Answer) -> Iterator[bytes]:
    with found.file as file:
        file.seek(found.first)
        remaining = found.length
        while remaining > 0 and (block := file.read(min(BLOCK_BYTES, remaining))):
            remaining -= len(block)
            yield block


def _receive(request: HttpRequest, asked: FileRequest) -> HttpResponse:
    incoming = receive(asked)
    try:
        while block := request.read(BLOCK_BYTES):
            incoming.write(block)
        return JsonResponse({"size": incoming.store()}, status=201)
    finally:
        incoming.abandon()


def _refused(error: DomainError) -> HttpResponse:
    response = JsonResponse(plain_body(error.message, error.code), status=error.http_status)
    if isinstance(error, RangeImpossible):
        response["Content-Range"] = f"bytes */{error.size_bytes}"
    return response
