"""HTTP to hosts that users name. The address of the network is judged when a connection is made, for every request and every
redirect, and it is the judged one that is connected to: what a name resolves to later does not matter.

A proxy of the operator's (`HTTPS_PROXY`) is contacted as it is; what lies behind it, it has to judge itself.
"""

import socket
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from common.network import HostRefused, HostUnknown, resolve_allowed

Session = TypeVar("Session", bound=requests.Session)


class JudgedConnection(HTTPConnection):
    """Mixed into connections of urllib3 and of what is built on it."""

    def _new_conn(self) -> socket.socket:
        name, port = self._dns_host, self.port or self.default_port
        try:
            addresses = resolve_allowed(name.strip("[]"), port)
        except HostUnknown as error:
            raise NewConnectionError(self, f"Failed to resolve '{name}'") from error
        failure: Exception = NewConnectionError(self, f"'{name}' has no address")
        for address in addresses:
            # Certificates are still checked for the name: only this one step is told the address.
            self._dns_host = address
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError) as error:
                failure = error
            finally:
                self._dns_host = name
        raise failure


class JudgedTLSConnection(JudgedConnection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = JudgedConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = JudgedTLSConnection


class _JudgedAdapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}


def judged(session: Session) -> Session:
    """The session, which from now on judges whom it contacts: `HostRefused` comes out of its requests."""
    adapter = _JudgedAdapter()
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


def refusal_behind(error: BaseException) -> HostRefused | None:
    """The refusal that a client has wrapped into an error of its own."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, HostRefused):
        seen = seen.__cause__ or seen.__context__
    return seen
