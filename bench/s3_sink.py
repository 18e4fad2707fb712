"""A small S3 on loopback to measure clients against: what it costs itself is kept as little as Python allows.

No signatures are looked at. Objects are files below a folder; the parts of a multipart upload stay parts until somebody
reads them. Started as `python -m bench.s3_sink <folder> <port> <processes>`, it serves until it is killed.
"""

import contextlib
import os
import re
import shutil
import socket
import sys
import threading
from pathlib import Path
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

BLOCK_BYTES = 1 << 20
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d*)", re.IGNORECASE)


class Connection:
    """One client, request after request."""

    def __init__(self, root: Path, client: socket.socket) -> None:
        self._root = root
        self._client = client
        self._waiting = b""

    def serve(self) -> None:
        with contextlib.suppress(OSError), self._client:
            while head := self._head():
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
                path, _, query = target.partition("?")
                answers = {"GET": self._get, "PUT": self._put, "POST": self._post, "HEAD": self._facts}
                answers[method](head, unquote(path), query)

    def _head(self) -> bytes:
        while b"\r\n\r\n" not in self._waiting:
            block = self._client.recv(65536)
            if not block:
                return b""
            self._waiting += block
        head, self._waiting = self._waiting.split(b"\r\n\r\n", 1)
        if b"100-continue" in head.lower():
            self._client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return head

    def _put(self, head: bytes, path: str, query: str) -> None:
        asked = parse_qs(query)
        if "uploadId" in asked:
            file = self._root / ".parts" / asked["uploadId"][0] / f"{int(asked['partNumber'][0]):06}"
        else:
            file = self._object(path)
        if path.count("/") < 2:
            file.mkdir(parents=True, exist_ok=True)
        else:
            self._save(head, file)
        self._answer(headers=b'ETag: "sink"\r\n')

    def _save(self, head: bytes, path: Path) -> None:
        length = _LENGTH.search(head)
        left = int(length.group(1)) if length else 0
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            early = self._waiting[:left]
            os.write(descriptor, early)
            self._waiting = self._waiting[left:]
            left -= len(early)
            block = memoryview(bytearray(min(BLOCK_BYTES, left)))
            while left:
                count = self._client.recv_into(block, min(left, BLOCK_BYTES))
                if not count:
                    raise ConnectionError("the client hung up")
                os.write(descriptor, block[:count])
                left -= count
        finally:
            os.close(descriptor)

    def _post(self, head: bytes, path: str, query: str) -> None:
        asked = parse_qs(query, keep_blank_values=True)
        if "uploads" in asked:
            upload = os.urandom(8).hex()
            (self._root / ".parts" / upload).mkdir(parents=True)
            self._xml(
                f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            )
            return
        self._save(head, self._root / ".parts" / (asked["uploadId"][0] + ".list"))
        target = self._object(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        os.rename(self._root / ".parts" / asked["uploadId"][0], target)
        self._xml(f"<CompleteMultipartUploadResult><Key>{escape(path)}</Key></CompleteMultipartUploadResult>")

    def _get(self, head: bytes, path: str, query: str) -> None:
        if "list-type" in query or path.count("/") < 2:
            self._list(path.strip("/"), parse_qs(query).get("prefix", [""])[0])
            return
        try:
            descriptor = os.open(self._whole(self._object(path)), os.O_RDONLY)
        except FileNotFoundError:
            self._answer(b"404 Not Found")
            return
        try:
            self._send(head, descriptor)
        finally:
            os.close(descriptor)

    def _send(self, head: bytes, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        first, last, status, headers = 0, size - 1, b"200 OK", b'ETag: "sink"\r\nAccept-Ranges: bytes\r\n'
        if wanted := _RANGE.search(head):
            first = int(wanted.group(1))
            last = min(last, int(wanted.group(2) or last))
            status = b"206 Partial Content"
            headers += b"Content-Range: bytes %d-%d/%d\r\n" % (first, last, size)
        length = last - first + 1
        self._answer(status, headers, length=length, more=True)
        while length:
            sent = os.sendfile(self._client.fileno(), descriptor, first, min(length, 1 << 30))
            first, length = first + sent, length - sent

    def _facts(self, head: bytes, path: str, query: str) -> None:
        try:
            size = self._object(path).stat().st_size
        except FileNotFoundError:
            self._answer(b"404 Not Found")
            return
        self._answer(headers=b'ETag: "sink"\r\nAccept-Ranges: bytes\r\n', length=size)

    def _list(self, bucket: str, prefix: str) -> None:
        root = self._root / bucket
        found = (file for file in sorted(root.rglob("*")) if file.is_file())
        keys = [(str(file.relative_to(root)), file) for file in found]
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;sink&quot;</ETag><Size>{file.stat().st_size}</Size></Contents>"
            for key, file in keys
            if key.startswith(prefix)
        )
        self._xml(
            f"<ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        )

    def _whole(self, path: Path) -> Path:
        """The parts of a multipart upload as one file, from when they are read first."""
        if not path.is_dir():
            return path
        whole = self._root / ".parts" / os.urandom(8).hex()
        with whole.open("wb") as file:
            for part in sorted(path.iterdir()):
                file.write(part.read_bytes())
        shutil.rmtree(path, ignore_errors=True)
        os.replace(whole, path)
        return path

    def _object(self, path: str) -> Path:
        return self._root / path.strip("/")

    def _xml(self, text: str) -> None:
        body = b'<?xml version="1.0"?>' + text.encode()
        self._answer(headers=b"Content-Type: application/xml\r\n", length=len(body), body=body)

    def _answer(
        self,
        status: bytes = b"200 OK",
        headers: bytes = b"",
        *,
        length: int = 0,
        body: bytes = b"",
        more: bool = False,
    ) -> None:
        start = b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n" % (status, headers, length)
        self._client.sendall(start + body, socket.MSG_MORE if more and length else 0)


def listen(port: int) -> socket.socket:
    """Each process has a socket of its own on the port; the kernel deals the connections out."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(512)
    return listening


def serve(root: Path, listening: socket.socket) -> None:
    while True:
        client, _ = listening.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=Connection(root, client).serve, daemon=True).start()


def main() -> None:
    root, port, processes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for _ in range(processes - 1):
        if not os.fork():
            break
    serve(root, listen(port))


if __name__ == "__main__":
    main()
