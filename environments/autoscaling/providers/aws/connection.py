"""Clients of Amazon's services for an environment, with the environment's rights and no others."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any
from uuid import UUID

from environments.autoscaling.providers.aws.errors import in_words
from environments.autoscaling.providers.aws.template import INSTALLATION, AwsTemplate
from environments.autoscaling.providers.base import ErrorKind, Place, ProviderError

ACCESS_KEY, SECRET_KEY = "access_key_id", "secret_access_key"
_ROLE_SECONDS = 3600
_KEPT_SECONDS = _ROLE_SECONDS - 600
"""A client with a role's rights is made anew before they end; others too, so that a changed role of the host is seen."""


@dataclass(frozen=True)
class _Kept:
    mark: str
    until: float
    session: Any
    clients: dict[str, Any]


class Connections:
    """Thread-safe. A client takes long to make and is used again; one environment's is never another's."""

    def __init__(self) -> None:
        self._kept: dict[UUID, _Kept] = {}
        self._locks: defaultdict[UUID, Lock] = defaultdict(Lock)

    def client(self, service: str, place: Place, template: AwsTemplate) -> Any:
        """Raises `ProviderError`."""
        _library()
        with in_words():
            secrets = place.secrets() if template.credentials != INSTALLATION else {}
            mark = _mark(template, secrets)
            # The SDK's sessions are not thread-safe, its clients are. A role is asked for over the network: nobody else waits.
            with self._locks[place.environment_id]:
                kept = self._kept.get(place.environment_id)
                if kept is None or kept.mark != mark or kept.until < time.monotonic():
                    session = _session(place, template, secrets)
                    kept = _Kept(mark, time.monotonic() + _KEPT_SECONDS, session, {})
                    self._kept[place.environment_id] = kept
                if service not in kept.clients:
                    kept.clients[service] = kept.session.client(service, config=_config())
                return kept.clients[service]

    def forget(self, place: Place) -> None:
        """What was refused is not tried with the same session again."""
        with self._locks[place.environment_id]:
            self._kept.pop(place.environment_id, None)


def _session(place: Place, template: AwsTemplate, secrets: Mapping[str, str]) -> Any:
    if template.credentials == INSTALLATION:
        session = _own_session(region_name=template.region)
    elif secrets.get(ACCESS_KEY) and secrets.get(SECRET_KEY):
        session = _own_session(
            aws_access_key_id=secrets[ACCESS_KEY],
            aws_secret_access_key=secrets[SECRET_KEY],
            region_name=template.region,
        )
    else:
        raise ProviderError(
            "No access keys are stored for the environment. Enter them on its page, or let its template say "
            f'"credentials": "{INSTALLATION}".',
            ErrorKind.CREDENTIALS,
        )
    return _with_role(session, place, template) if template.role_arn else session


def _with_role(session: Any, place: Place, template: AwsTemplate) -> Any:
    external = {"ExternalId": template.external_id} if template.external_id else {}
    taken = session.client("sts", config=_config()).assume_role(
        RoleArn=template.role_arn,
        RoleSessionName=f"mlops-{place.environment_id.hex[:12]}",
        DurationSeconds=_ROLE_SECONDS,
        **external,
    )["Credentials"]
    return _own_session(
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
        region_name=template.region,
    )


def _own_session(**rights: str) -> Any:
    """What the SDK reads of a service from its files is read once for all environments: it is tens of megabytes."""
    from botocore.session import get_session

    core = get_session()
    core.register_component("data_loader", _loader())
    return _library().Session(botocore_session=core, **rights)


@lru_cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


def _library() -> Any:
    try:
        import boto3
    except ImportError as error:
        raise ProviderError("This installation cannot reach Amazon: install its extra `aws`.") from error
    return boto3


def _config() -> Any:
    from botocore.config import Config

    return Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 2})


def _mark(template: AwsTemplate, secrets: Mapping[str, str]) -> str:
    """Changes when the client has to; tells nothing of the secrets."""
    parts = (
        template.region, template.credentials, template.role_arn, template.external_id,
        secrets.get(ACCESS_KEY, ""), secrets.get(SECRET_KEY, ""),
    )  # fmt: skip
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
