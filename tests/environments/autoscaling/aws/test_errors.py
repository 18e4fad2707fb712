"""What Amazon refuses: told by kind and in words, tried elsewhere where that helps, and never with a secret."""

import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ParamValidationError

from environments.autoscaling.providers.aws import AwsProvider
from environments.autoscaling.providers.aws.errors import in_words, refusal
from environments.autoscaling.providers.base import ErrorKind, Place, ProviderError
from tests.environments.autoscaling.aws import double as doubles
from tests.environments.autoscaling.aws.conftest import REGION, SECRETS, sealed
from tests.environments.autoscaling.aws.double import Double, refused, started
from tests.environments.autoscaling.provider_contract import order_for

TEMPLATE = {
    "region": REGION, "subnets": ["subnet-0000000a", "subnet-0000000b"], "security_groups": ["sg-01234567"],
    "instance_types": ["g5.xlarge", "g4dn.xlarge"], "image": "ami-01234567",
}  # fmt: skip
PLACE = Place(uuid4(), "acme-gpu", TEMPLATE, sealed(SECRETS))
SPOT = Place(uuid4(), "acme-spot", {**TEMPLATE, "spot": True, "spot_max_price": 0.4}, sealed(SECRETS))


@pytest.fixture
def double(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    with doubles.running() as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        yield made


def refusal_of(provider: AwsProvider, place: Place = PLACE) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.launch(order_for(place))
    return caught.value


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        ("VcpuLimitExceeded", ErrorKind.QUOTA, "Service Quotas"),
        ("InstanceLimitExceeded", ErrorKind.QUOTA, "lower maximum"),
        ("MaxSpotInstanceCountExceeded", ErrorKind.QUOTA, "Service Quotas"),
        ("InsufficientInstanceCapacity", ErrorKind.CAPACITY, "more subnets"),
        ("SpotMaxPriceTooLow", ErrorKind.CAPACITY, "more instance types"),
        ("InsufficientFreeAddressesInSubnet", ErrorKind.CAPACITY, "more subnets"),
        ("UnfulfillableCapacity", ErrorKind.CAPACITY, "more instance types"),
        ("AuthFailure", ErrorKind.CREDENTIALS, "access keys"),
        ("UnauthorizedOperation", ErrorKind.CREDENTIALS, "policy"),
        ("ExpiredToken", ErrorKind.CREDENTIALS, "access keys"),
        ("RequestLimitExceeded", ErrorKind.LATER, "tried again"),
        ("Unavailable", ErrorKind.LATER, "tried again"),
        ("IdempotentParameterMismatch", ErrorKind.LATER, "tried again"),
        ("InvalidSubnetID.NotFound", ErrorKind.TEMPLATE, "Mend it"),
        ("InvalidAMIID.NotFound", ErrorKind.TEMPLATE, "Mend it"),
        ("InvalidSomethingNew.NotFound", ErrorKind.TEMPLATE, "Mend it"),
        ("SomethingElse", ErrorKind.OTHER, "SomethingElse"),
    ],
)
def test_every_refusal_has_a_kind_and_a_remedy(code: str, kind: ErrorKind, remedy: str):
    error = refusal(code, "You cannot.")
    assert error.kind is kind
    assert remedy in error.message
    assert code in error.message


def _no_capacity() -> tuple[int, str]:
    """EC2 says so with 500, which the SDK tries once more."""
    return refused("InsufficientInstanceCapacity", status=500)


def test_another_subnet_may_have_what_one_has_not(provider: AwsProvider, double: Double):
    double.says("RunInstances", *[_no_capacity()] * 2, started("i-0000000b"))
    assert provider.launch(order_for(PLACE)).provider_id == "i-0000000b"
    first, again, second = double.requests("RunInstances")
    assert first["ClientToken"] == again["ClientToken"] != second["ClientToken"]
    assert {first["SubnetId"], second["SubnetId"]} == set(TEMPLATE["subnets"])
    assert first["InstanceType"] == second["InstanceType"] == "g5.xlarge"


def test_without_capacity_anywhere_the_other_type_was_tried_too(provider: AwsProvider, double: Double):
    double.says("RunInstances", refused("InsufficientInstanceCapacity", "no g5.xlarge in eu-west-1a"))
    error = refusal_of(provider)
    assert error.kind is ErrorKind.CAPACITY
    assert "no g5.xlarge in eu-west-1a" in error.message
    tried = {(r["InstanceType"], r["SubnetId"]) for r in double.requests("RunInstances")}
    assert len(tried) == 4


@pytest.mark.parametrize(
    "code", ["VcpuLimitExceeded", "UnauthorizedOperation", "RequestLimitExceeded", "InvalidParameterValue"]
)
def test_what_no_other_place_mends_is_not_tried_there(provider: AwsProvider, double: Double, code: str):
    double.says("RunInstances", refused(code))
    refusal_of(provider)
    assert len({request["ClientToken"] for request in double.requests("RunInstances")}) == 1


def test_the_same_machine_asks_with_the_same_token(provider: AwsProvider, double: Double):
    """An answer that was lost: EC2 knows by the token that it has started the machine."""
    double.says("RunInstances", refused("InternalError", status=500), started("i-0000000a"))
    order = order_for(PLACE)
    for _ in range(3):
        try:
            provider.launch(order)
        except ProviderError as error:
            assert error.kind is ErrorKind.LATER  # noqa: PT017
    assert len({request["ClientToken"] for request in double.requests("RunInstances")}) == 1


def test_names_of_accounts_are_not_for_who_waits(provider: AwsProvider, double: Double):
    message = (
        "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/scaler is not authorized "
        "to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:123456789012:instance/*"
    )
    double.says("RunInstances", refused("UnauthorizedOperation", message, 403))
    error = refusal_of(provider)
    assert "123456789012" not in error.message
    assert "ec2:RunInstances is not allowed" in error.message


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InsufficientInstanceCapacity", ErrorKind.CAPACITY),
        ("SpotMaxPriceTooLow", ErrorKind.CAPACITY),
        ("MaxSpotInstanceCountExceeded", ErrorKind.QUOTA),
        ("UnauthorizedOperation", ErrorKind.CREDENTIALS),
    ],
)
def test_a_fleet_that_starts_nothing_says_why(
    provider: AwsProvider, double: Double, code: str, kind: ErrorKind
):
    double.says("CreateFleet", doubles.fleet_without(code))
    assert refusal_of(provider, SPOT).kind is kind
    assert double.asked[-1]["Action"] == "DeleteLaunchTemplate"


def test_a_launch_template_goes_also_when_the_fleet_is_refused(provider: AwsProvider, double: Double):
    double.says("CreateFleet", refused("UnauthorizedOperation"))
    assert refusal_of(provider, SPOT).kind is ErrorKind.CREDENTIALS
    assert double.asked[-1]["Action"] == "DeleteLaunchTemplate"


def test_silence_is_not_a_refusal(provider: AwsProvider, endpoint: str, monkeypatch: pytest.MonkeyPatch):
    """Nobody knows whether a machine was started: it is asked for again, and counts as none that failed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    error = refusal_of(provider)
    assert error.kind is ErrorKind.LATER
    assert "does not answer" in error.message


def test_what_the_library_refuses_is_the_templates_fault():
    with pytest.raises(ProviderError, match="refuses what the machine template says") as caught, in_words():
        raise ParamValidationError(report="Invalid length for parameter KeyName")
    assert caught.value.kind is ErrorKind.TEMPLATE


def test_revoked_credentials_are_read_afresh(provider: AwsProvider, double: Double):
    double.says("DescribeInstances", refused("AuthFailure", status=401), doubles.NOTHING)
    with pytest.raises(ProviderError, match="access keys"):
        provider.list(PLACE)
    assert provider.list(PLACE) == []


def test_a_machine_that_is_not_there_is_ended(provider: AwsProvider, double: Double):
    double.says("TerminateInstances", refused("InvalidInstanceID.NotFound"))
    provider.terminate(PLACE, uuid4(), "i-01234567")
    double.says("TerminateInstances", refused("UnauthorizedOperation"))
    with pytest.raises(ProviderError):
        provider.terminate(PLACE, uuid4(), "i-01234567")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place(uuid4(), "none", TEMPLATE), "No access keys are stored"),
        (Place(uuid4(), "half", TEMPLATE, sealed({"access_key_id": "AKIA"})), "No access keys are stored"),
        (Place(uuid4(), "own", {**TEMPLATE, "credentials": "installation"}), "no credentials of its own"),
    ],
)
def test_without_credentials_it_says_what_to_do(
    provider: AwsProvider, double: Double, place: Place, words: str
):
    error = refusal_of(provider, place)
    assert error.kind is ErrorKind.CREDENTIALS
    assert words in error.message
    assert not double.asked


def test_stored_keys_are_not_mixed_with_the_hosts(
    provider: AwsProvider, double: Double, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEHOST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-host")
    with pytest.raises(ProviderError, match="No access keys"):
        provider.list(Place(uuid4(), "none", TEMPLATE))
    own = Place(uuid4(), "own", {**TEMPLATE, "credentials": "installation"}, sealed(SECRETS))
    assert provider.list(own) == []


def test_no_secret_is_logged_or_shown(
    provider: AwsProvider, double: Double, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    double.says("RunInstances", refused("AuthFailure"))
    order = order_for(PLACE)
    error: Any = None
    with pytest.raises(ProviderError) as caught:
        provider.launch(order)
    error = caught.value
    shown = f"{error.message} {order!r} {PLACE!r} {caplog.text}"
    for secret in (*SECRETS.values(), order.agent_settings["PEON_TOKEN"]):
        assert secret not in shown


def test_a_dry_run_tells_each_place(provider: AwsProvider, double: Double):
    who = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        "<Arn>arn:aws:iam::123456789012:user/scaler</Arn><Account>123456789012</Account></GetCallerIdentityResult>"
        "</GetCallerIdentityResponse>"
    )
    double.says("GetCallerIdentity", who)
    would = refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
    double.says(
        "RunInstances",
        would,
        refused("InvalidSubnetID.NotFound", "no such subnet"),
        refused("UnauthorizedOperation"),
    )
    findings = provider.check(PLACE)
    assert [finding.is_good for finding in findings] == [True, True, True, True, False, False]
    assert "123456789012" in findings[0].text
    assert "ami-01234567 (worker)" in findings[2].text
    assert findings[3].text == "Amazon would start g5.xlarge in subnet-0000000a."
    assert findings[4].text.startswith("Not g5.xlarge in subnet-0000000b: Amazon says: no such subnet")
    assert findings[5].text.startswith("Not g4dn.xlarge in subnet-0000000a: Amazon refuses")
    assert {request["DryRun"] for request in double.requests("RunInstances")} == {"true"}


def test_a_check_ends_with_the_first_thing_that_others_need(provider: AwsProvider, double: Double):
    double.says("GetCallerIdentity", refused("InvalidClientTokenId", status=403))
    (finding,) = provider.check(PLACE)
    assert not finding.is_good
    assert "InvalidClientTokenId" in finding.text
    (fault, *_) = provider.check(Place(uuid4(), "bad", {"nonsense": 1}))
    assert not fault.is_good
