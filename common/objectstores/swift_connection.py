"""A connection to OpenStack Swift that judges whom it contacts (see `common.outgoing`), the identity service included."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from keystoneauth1.exceptions import ClientException as IdentityError
from keystoneauth1.exceptions import ConnectFailure, Unauthorized
from keystoneauth1.identity import Password
from keystoneauth1.session import Session
from swiftclient import ClientException, Connection

from common.outgoing import judged


class SwiftConnection(Connection):  # type: ignore[misc]
    """Signs in by the old way (`auth_version` 1), or at an identity service of version 2 or 3."""

    def get_auth(self) -> tuple[str, str]:
        self.url, self.token = self._signed_in() if self.auth_version == "1" else self._identified()
        return self.url, self.token

    def http_connection(self, url: str | None = None) -> Any:
        parsed, connection = super().http_connection(url)
        judged(connection.request_session)
        return parsed, connection

    def _signed_in(self) -> tuple[str, str]:
        headers = {"X-Auth-User": self.user, "X-Auth-Key": self.key}
        with judged(requests.Session()) as session:
            answer = session.get(
                self.authurl, headers=headers, timeout=self.timeout, verify=not self.insecure
            )
        url, token = answer.headers.get("X-Storage-Url"), answer.headers.get("X-Auth-Token")
        if not answer.ok or not url or not token:
            raise ClientException("Auth GET failed", http_status=answer.status_code)
        return url, token

    def _identified(self) -> tuple[str, str]:
        options: Mapping[str, Any] = self.os_options
        identity = Password(
            auth_url=self.authurl,
            username=self.user,
            password=self.key,
            **{name: value for name, value in options.items() if name != "region_name"},
        )
        session = Session(
            auth=identity,
            session=judged(requests.Session()),
            verify=not self.insecure,
            timeout=self.timeout,
        )
        try:
            url = session.get_endpoint(
                service_type="object-store", interface="public", region_name=options.get("region_name")
            )
            token = session.get_token() or ""
        except Unauthorized as error:
            raise ClientException("Auth failed", http_status=401) from error
        except ConnectFailure as error:
            raise requests.ConnectionError(str(error)) from error
        except IdentityError as error:
            raise ClientException(f"Auth failed: {error}") from error
        if not url or not urlsplit(url).hostname:
            raise ClientException("Auth failed: the identity service knows no object store in this region.")
        return url, token
