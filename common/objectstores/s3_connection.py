"""Clients of Amazon's library that judge whom they contact (see `common.outgoing`)."""

from typing import Any

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from common.outgoing import JudgedConnection


class _Connection(JudgedConnection, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _TLSConnection(JudgedConnection, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


def judged_client(client: Any) -> Any:
    """The client, which has not contacted anybody yet. The library has no door for this; a test holds that it works."""
    manager = client._endpoint.http_session._manager
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
    return client
