"""HTTP by the standard library: connections that are used again, streaming in both directions, errors that name the URL."""

import base64
import email.utils
import http.client
import os
import socket
import threading
import time
import urllib.parse

BLOCK_BYTES = 1 << 20
_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_IDLE = 32


class Unreachable(ConnectionError):
    """No answer: the address cannot be reached, or the connection broke."""


class HttpError(Exception):
    """An answer of 400 or above."""

    def __init__(self, status, reason, url, body=b"", retry_after_seconds=None):
        super().__init__("{} {} for {}".format(status, reason, url))
        self.status = status
        self.reason = reason
        self.body = body
        self.retry_after_seconds = retry_after_seconds  # what the server asks for, if it does

    @property
    def may_heal(self):
        """Whether the same request can succeed a little later."""
        return self.status >= 500 or self.status in (408, 425, 429)


class HttpClient:
    """Thread-safe; each request has a connection for itself while it lasts."""

    def __init__(self, timeout_seconds=60, ca_file=None):
        """`ca_file`: of a private authority, trusted beside those that the system trusts."""
        self._timeout = timeout_seconds
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._idle = {}

    def request(self, method, url, headers=None, body=None):
        """The `Response` of one request; raises HttpError or Unreachable.

        `body` is bytes, or a function that gives an iterator of blocks afresh (then `headers` has the length).
        """
        for _ in range(_MOST_REDIRECTS):
            response = self._once(method, url, headers, body)
            if response.status not in _REDIRECTS or method not in ("GET", "HEAD"):
                break
            location = response.headers.get("Location", "")
            response.close()
            target = urllib.parse.urljoin(url, location)
            if urllib.parse.urlsplit(target).netloc != urllib.parse.urlsplit(url).netloc:
                # Credentials are for the host they were given for.
                headers = {
                    k: v for k, v in (headers or {}).items() if k.lower() not in ("authorization", "cookie")
                }
            url = target
        if response.status >= 400 or response.status in _REDIRECTS:
            body_start = response.read(4096)
            response.close()
            wait = _retry_after(response.headers.get("Retry-After"))
            raise HttpError(response.status, response.reason, shown_url(url), body_start, wait)
        return response

    def _once(self, method, url, headers, body):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise Unreachable("cannot fetch {}: only http and https addresses can be".format(shown_url(url)))
        headers = dict(headers or {})
        if parts.username is not None:
            headers.setdefault("Authorization", _basic(parts))
        key = (parts.scheme, parts.hostname, parts.port)
        connection = self._take_idle(key)
        if connection is not None:
            try:
                return self._exchange(connection, key, method, parts, headers, body, url)
            except Unreachable:
                pass  # the server may close an idle connection at any time
        return self._exchange(self._connect(parts), key, method, parts, headers, body, url)

    def _exchange(self, connection, key, method, parts, headers, body, url):
        target = _request_target(parts)
        if getattr(connection, "through_proxy", False):
            target = "{}://{}{}{}".format(parts.scheme, key[1], _port(parts), target)
        try:
            try:
                connection.request(method, target, body=body() if callable(body) else body, headers=headers)
            except (BrokenPipeError, ConnectionResetError):
                # A server that refuses an upload may answer and close before it has read everything.
                if not callable(body):
                    raise
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            reason = str(error) or type(error).__name__
            raise Unreachable("no answer from {}: {}".format(shown_url(url), reason))
        return Response(self, key, connection, answer)

    def _connect(self, parts):
        proxy = _proxy_for(parts)
        host, port = (proxy.hostname, proxy.port or 80) if proxy else (parts.hostname, parts.port)
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                host, port, timeout=self._timeout, context=self._tls_context()
            )
            if proxy:
                connection.set_tunnel(parts.hostname, parts.port or 443)
            return connection
        connection = _QuickConnection(host, port, timeout=self._timeout)
        connection.through_proxy = bool(proxy)
        return connection

    def _tls_context(self):
        import ssl

        context = ssl.create_default_context()
        if self._ca_file:
            context.load_verify_locations(self._ca_file)
        return context

    def _take_idle(self, key):
        with self._lock:
            waiting = self._idle.get(key)
            return waiting.pop() if waiting else None

    def give_back(self, key, connection):
        """The answer was read to its end: the connection can be used again."""
        with self._lock:
            waiting = self._idle.setdefault(key, [])
            if len(waiting) < _MOST_IDLE:
                waiting.append(connection)
                return
        connection.close()


class Response:
    """An answer whose body is read in blocks."""

    def __init__(self, client, key, connection, answer):
        self._client = client
        self._key = key
        self._connection = connection
        self._answer = answer
        self._is_closed = False
        self.status = answer.status
        self.reason = answer.reason
        self.headers = answer.headers

    def read(self, size=None):
        """Up to `size` bytes, or all. Raises Unreachable when the connection breaks before the end."""
        try:
            return self._answer.read(size) if size is not None else self._answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unreachable("the connection broke: {}".format(error or type(error).__name__))

    def read_into(self, buffer):
        """The number of bytes put into `buffer`, 0 at the end. Raises Unreachable as `read` does."""
        try:
            return self._answer.readinto(buffer)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unreachable("the connection broke: {}".format(error or type(error).__name__))

    def close(self):
        """Use the connection again when the body was read to its end, else close it. Further calls do nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._answer.isclosed() and not self._answer.will_close:
            self._client.give_back(self._key, self._connection)
        else:
            self._answer.close()
            self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


class _QuickConnection(http.client.HTTPConnection):
    """Small requests leave at once: headers and body are two writes, and the kernel would hold back the second."""

    def connect(self):
        super().connect()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def shown_url(url):
    """A URL for people: without user name, password and query, which may hold secrets."""
    parts = urllib.parse.urlsplit(url)
    host = (parts.hostname or "") + _port(parts)
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))


def _request_target(parts):
    """Path and query as they may stand in a request: what must be quoted is, what is quoted stays."""
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    return urllib.parse.quote(target, safe="/%?:=&~#+!$,;'@()*[]-._")


def _retry_after(value):
    """Seconds to wait, from a number or a date; None when it says nothing that can be understood."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _port(parts):
    return ":{}".format(parts.port) if parts.port else ""


def _basic(parts):
    name, password = (urllib.parse.unquote(part or "") for part in (parts.username, parts.password))
    return "Basic " + base64.b64encode("{}:{}".format(name, password).encode()).decode()


def _proxy_for(parts):
    """The proxy of the environment's *_PROXY variables for this address, if any."""
    name = parts.scheme + "_proxy"
    address = os.environ.get(name) or os.environ.get(name.upper())
    if not address or parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return None
    import urllib.request

    if urllib.request.proxy_bypass_environment(parts.hostname):
        return None
    return urllib.parse.urlsplit(address if "://" in address else "http://" + address)
