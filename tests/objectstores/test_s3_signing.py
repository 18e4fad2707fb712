"""Addresses that are signed without Amazon's client are the very ones that it would make, and take next to no time."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from common.objectstores.s3_signing import ReadSigner, read_signer

KEYS = ["a", "folder/a b+c.csv", "ä/ö~(1).txt", "/leading//double", "a%20b?c#d&e=f", "*!'"]
PRESENTED = {
    "response-content-disposition": "attachment; filename=\"a b\"; filename*=UTF-8''%C3%A4",
    "response-content-type": "text/csv",
}


def client(*, token: str | None = None, endpoint: str | None = None, **config: Any) -> Any:
    session = boto3.Session(
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret/with+characters",
        aws_session_token=token,
        region_name="eu-west-1",
    )
    return session.client(
        "s3", endpoint_url=endpoint, config=Config(**{"signature_version": "s3v4", **config})
    )


def parts(url: str) -> tuple[str, list[tuple[str, str]]]:
    split = urlsplit(url)
    return f"{split.scheme}://{split.netloc}{split.path}", sorted(parse_qsl(split.query))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "made",
    [
        {},
        {"token": "a/token=="},
        {"endpoint": "http://minio.example.com:9000", "s3": {"addressing_style": "path"}},
        {"endpoint": "https://store.example.com/below", "s3": {"addressing_style": "path"}},
    ],
)
def test_as_the_client_signs(key: str, made: dict[str, Any]) -> None:
    own = client(**made)
    url = own.generate_presigned_url(
        "get_object",
        Params={
            "Bucket": "bucket",
            "Key": key,
            "ResponseContentDisposition": PRESENTED["response-content-disposition"],
            "ResponseContentType": PRESENTED["response-content-type"],
        },
        ExpiresIn=600,
    )
    moment = dict(parse_qsl(urlsplit(url).query))["X-Amz-Date"]
    signer = read_signer(own, "bucket")
    assert signer is not None
    now = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert parts(signer.address(key, PRESENTED, 600, now)) == parts(url)


def test_the_client_is_asked_once() -> None:
    own = client()
    assert read_signer(own, "bucket") is read_signer(own, "bucket")
    assert read_signer(own, "other") != read_signer(own, "bucket")


def test_where_the_client_signs_in_another_way_it_does_so_itself() -> None:
    assert ReadSigner.like(client(signature_version="s3"), "bucket") is None
    assert ReadSigner.like(client(signature_version=UNSIGNED), "bucket") is None
