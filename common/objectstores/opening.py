"""From the configuration of a store to the store. Cloud libraries are loaded here, when the first store of a kind is opened.

Addresses are a user's: every client contacts only what `common.outgoing` allows, at the moment of each connection.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from common.network import resolve_allowed
from common.objectstores.types import ObjectStore, Problem, StoreProblem
from common.outgoing import judged, refusal_behind

CONNECT_SECONDS = 5
READ_SECONDS = 30
ATTEMPTS = 3
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  (an address)

Settings = Mapping[str, Any]


def open_store(kind: str, settings: Settings) -> ObjectStore:
    """`kind` is s3, google, azure or swift; `settings` its configuration with its secrets, as in the API.

    Raises `StoreProblem` when a setting is missing or the library of the kind is not installed, and `HostRefused` for an
    endpoint in a network that the installation does not contact on behalf of users.
    """
    openers: dict[str, Callable[[Settings], ObjectStore]] = {
        "s3": _open_s3,
        "google": _open_google,
        "azure": _open_azure,
        "swift": _open_swift,
    }
    try:
        return openers[kind](settings)
    except ModuleNotFoundError as error:
        extra = {"s3": "aws", "google": "gcp"}.get(kind, kind)
        raise StoreProblem(
            Problem.LIBRARY,
            f"This installation cannot use stores of type {kind}: install its extra `{extra}`.",
        ) from error
    except ValueError as error:  # such as a region that no host name can hold
        raise StoreProblem(
            Problem.CONFIGURATION, f"The settings of the store cannot be used: {error}"
        ) from error


def _open_s3(settings: Settings) -> ObjectStore:
    import boto3
    from botocore.config import Config

    from common.objectstores.s3 import S3Store
    from common.objectstores.s3_connection import judged_client

    endpoint = _endpoint(settings)
    # Stores that speak S3 rarely answer under bucket.host, and do not know the newer checksums of Amazon's client.
    path_style = settings.get("path_style", bool(endpoint))
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "max_attempts": ATTEMPTS},
        signature_version="s3v4",
        s3={"addressing_style": "path" if path_style else "virtual"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    region = settings.get("region") or "us-east-1"

    def client(role_arn: str) -> Any:
        session = boto3.Session(
            # Without keys the library would sign with the server's own rights.
            aws_access_key_id=_required(settings, "access_key_id"),
            aws_secret_access_key=_required(settings, "secret_access_key"),
            region_name=region,
        )
        if role_arn:
            session = _with_role(session, role_arn, settings, config)
        return judged_client(
            session.client(
                "s3", endpoint_url=endpoint or None, config=config, verify=not settings.get("insecure", False)
            )
        )

    own = client(settings.get("role_arn", ""))
    upload_role = settings.get("multipart_upload_iam_role", "")
    return S3Store(
        own,
        _required(settings, "bucket"),
        kms_key_arn=settings.get("kms_key_arn") or "",
        upload_client=client(upload_role) if upload_role else own,
    )


def _with_role(session: Any, role_arn: str, settings: Settings, config: Any) -> Any:
    """A session with the rights of a role, for an hour."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from common.objectstores.s3_connection import judged_client

    endpoint = _endpoint(settings, "sts_endpoint_url")
    service = judged_client(session.client("sts", endpoint_url=endpoint or None, config=config))
    try:
        taken = service.assume_role(RoleArn=role_arn, RoleSessionName="mlops-store")["Credentials"]
    except (ClientError, BotoCoreError) as error:
        if refused := refusal_behind(error):
            raise refused from error
        raise StoreProblem(
            Problem.CREDENTIALS,
            f"The role {role_arn} cannot be assumed: {error}. Let its trust policy name the credentials of the store.",
        ) from error
    return boto3.Session(
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
        region_name=session.region_name,
    )


def _open_google(settings: Settings) -> ObjectStore:
    from google.auth.transport.requests import AuthorizedSession, Request
    from google.cloud.storage import Client
    from google.oauth2.service_account import Credentials

    from common.objectstores.google import GoogleStore

    account = _account(settings)
    endpoint = _endpoint(settings)
    token_uri = account.get("token_uri", GOOGLE_TOKEN_URI)
    if token_uri != GOOGLE_TOKEN_URI:
        _check_host(token_uri)  # the file is a user's, and the server is about to post to this address
    try:
        credentials = Credentials.from_service_account_info(
            account, scopes=["https://www.googleapis.com/auth/devstorage.read_write"]
        )
    except (ValueError, KeyError) as error:
        raise StoreProblem(
            Problem.CONFIGURATION,
            "The key of the service account is not complete. Paste the whole JSON file.",
        ) from error
    tokens = Request(judged(requests.Session()))
    session = judged(AuthorizedSession(credentials, auth_request=tokens))  # type: ignore[no-untyped-call]
    options = {"client_options": {"api_endpoint": endpoint}} if endpoint else {}
    client = Client(project=account.get("project_id"), credentials=credentials, _http=session, **options)
    return GoogleStore(client.bucket(_required(settings, "bucket")), endpoint_url=endpoint)


def _account(settings: Settings) -> dict[str, Any]:
    try:
        account = json.loads(_required(settings, "service_account_json"))
    except ValueError:
        account = None
    if not isinstance(account, dict):
        raise StoreProblem(
            Problem.CONFIGURATION, "The key of the service account must be the JSON file that Google gave."
        )
    return account


def _open_azure(settings: Settings) -> ObjectStore:
    from azure.core.credentials import AzureSasCredential
    from azure.core.pipeline.transport import RequestsTransport
    from azure.storage.blob import BlobServiceClient

    from common.objectstores.azure import AzureStore, checked_sas

    account, sas = _required(settings, "account_name"), checked_sas(str(settings.get("sas_token") or ""))
    key = "" if sas else _required(settings, "account_key")
    endpoint = _endpoint(settings) or f"https://{account}.blob.core.windows.net"
    try:
        service = BlobServiceClient(
            endpoint,
            credential=AzureSasCredential(sas) if sas else {"account_name": account, "account_key": key},
            transport=RequestsTransport(
                session=judged(requests.Session()),
                session_owner=False,
                connection_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
            ),
            retry_total=ATTEMPTS - 1,
        )
    except ValueError as error:
        raise StoreProblem(Problem.CONFIGURATION, f"The account cannot be used: {error}.") from error
    container = service.get_container_client(_required(settings, "container"))
    return AzureStore(container, account, account_key=key, sas_token=sas)


def _open_swift(settings: Settings) -> ObjectStore:
    from common.objectstores.swift import SwiftStore
    from common.objectstores.swift_connection import SwiftConnection

    address = _required(settings, "auth_url")
    _check_host(address)
    names = ("project_id", "project_name", "user_domain_name", "project_domain_name", "region_name")
    connection = SwiftConnection(
        authurl=address,
        user=_required(settings, "username"),
        key=_required(settings, "password"),
        auth_version=str(settings.get("auth_version", "3")),
        os_options={name: settings[name] for name in names if settings.get(name)},
        retries=ATTEMPTS,
        timeout=READ_SECONDS,
        insecure=bool(settings.get("insecure", False)),
    )
    return SwiftStore(connection, _required(settings, "container"), _required(settings, "temp_url_key"))


def _required(settings: Settings, name: str) -> str:
    value = settings.get(name)
    if not isinstance(value, str) or not value.strip():
        raise StoreProblem(Problem.CONFIGURATION, f"The store needs a value for '{name}'.")
    return value.strip()


def _endpoint(settings: Settings, name: str = "endpoint_url") -> str:
    address = str(settings.get(name) or "").strip().rstrip("/")
    if address:
        _check_host(address)
    return address


def _check_host(address: str) -> None:
    """Raises `HostRefused` or `HostUnknown`; see `common.network`."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise StoreProblem(
            Problem.CONFIGURATION, f"'{address}' is not an address that begins with https:// or http://."
        )
    resolve_allowed(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
