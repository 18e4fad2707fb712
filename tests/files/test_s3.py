"""The platform's storage in an S3-compatible object store, by its own signed addresses."""

from collections.abc import Iterator

import boto3
import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client, override_settings
from moto.server import ThreadedMotoServer

from common.files import presign_get, presign_put, read_start
from valohai_app.settings import STORAGES

BUCKET = "platform"
CONTENT = b"0123456789"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str) -> Iterator[str]:
    keys = {"access_key": "testing", "secret_key": "testing"}
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )  # fmt: skip
    client.create_bucket(Bucket=BUCKET)
    options = {
        "bucket_name": BUCKET,
        "region_name": "us-east-1",
        "endpoint_url": endpoint,
        "signature_version": "s3v4",
    }
    default = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**options, **keys}}
    with override_settings(STORAGES={**STORAGES, "default": default}):
        yield BUCKET


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as client:
        yield client


def test_upload_and_download_go_past_the_platform(bucket: str, endpoint: str, http: httpx.Client) -> None:
    grant = presign_put("data/x", base_url="http://platform", size_bytes=10)
    assert grant.url.startswith(endpoint)
    assert http.request(grant.method, grant.url, content=CONTENT, headers=grant.headers).status_code == 200
    url = presign_get("data/x", filename='a"ü.txt', base_url="http://platform").url
    answer = http.get(url)
    assert answer.content == CONTENT
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert http.get(url, headers={"Range": "bytes=2-4"}).content == b"234"


def test_images_are_shown_as_what_they_are_said_to_be(bucket: str, http: httpx.Client) -> None:
    storages["default"].save("data/plot", ContentFile(CONTENT))
    shown = http.get(
        presign_get("data/plot", filename="p.png", base_url="", content_type="image/png", inline=True).url
    )
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["content-disposition"].startswith("inline; ")


def test_the_beginning_is_read_without_the_rest(bucket: str) -> None:
    storages["default"].save("data/y", ContentFile(CONTENT))
    assert read_start("data/y", 3) == b"012"
    assert read_start("data/y", 300) == CONTENT
    with pytest.raises(FileNotFoundError):
        read_start("data/never", 3)


def test_addresses_of_the_file_system_lead_nowhere(bucket: str) -> None:
    with override_settings(STORAGES=STORAGES):
        url = presign_get("data/x", filename="x", base_url="http://testserver").url
    assert Client().get(url.removeprefix("http://testserver")).status_code == 404
