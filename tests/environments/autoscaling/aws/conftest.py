"""EC2, STS and Systems Manager over HTTP on loopback: moto's server. Amazon's SDK is led there by its own variable."""

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto.server import ThreadedMotoServer

from common.crypto import Sealed, encrypt
from environments.autoscaling.providers.aws import AwsProvider
from environments.autoscaling.providers.base import Place

REGION = "eu-west-1"
SECRETS = {"access_key_id": "AKIASTORED0000000000", "secret_access_key": "stored-secret-key"}


def sealed(secrets: dict[str, str]) -> Sealed:
    return Sealed(encrypt(json.dumps(secrets)))


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def endpoint(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Nothing of the host's own credentials is used."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    return moto_url


@pytest.fixture(scope="session")
def service(moto_url: str) -> Callable[[str], Any]:
    """The test's own clients, to look at what is there."""
    session = boto3.Session(aws_access_key_id="t", aws_secret_access_key="t", region_name=REGION)
    return lru_cache(lambda name: session.client(name, endpoint_url=moto_url))


@pytest.fixture
def ec2(service: Callable[[str], Any]) -> Any:
    return service("ec2")


@pytest.fixture
def template(ec2: Any) -> dict[str, Any]:
    return template_in(ec2)


def template_in(ec2: Any) -> dict[str, Any]:
    """For a network of its own in the account of the client."""
    network = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=network, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate("abc")
    ]
    group = ec2.create_security_group(GroupName=f"g-{uuid4().hex}", Description="workers", VpcId=network)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    return {
        "region": REGION, "subnets": subnets, "security_groups": [group["GroupId"]], "instance_types": ["t3.micro"],
        "image": image,
    }  # fmt: skip


@pytest.fixture
def place(template: dict[str, Any]) -> Place:
    return Place(uuid4(), "acme-gpu", template, sealed(SECRETS))


@pytest.fixture
def provider(endpoint: str) -> AwsProvider:
    return AwsProvider()
