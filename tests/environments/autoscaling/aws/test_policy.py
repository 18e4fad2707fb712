"""The document of least rights: what is called is in it, for the template's region and the environment's tags, and no more."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from environments.autoscaling.providers.aws import AwsProvider
from environments.autoscaling.providers.base import Place

TEMPLATE = {
    "region": "eu-west-1", "subnets": ["subnet-0000000a"], "security_groups": ["sg-01234567"],
    "instance_types": ["g5.xlarge"], "image": "ami-01234567",
}  # fmt: skip
PLACE = Place(uuid4(), "acme-gpu", TEMPLATE)


def statements(**settings: Any) -> dict[str, dict[str, Any]]:
    place = replace(PLACE, template={**TEMPLATE, **settings})
    document = json.loads(AwsProvider().policy(place))
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_it_is_for_the_region_and_ends_only_what_is_tagged():
    found = statements()
    assert set(found) == {"Look", "StartWithOurTags", "StartFrom", "TagWhatIsStarted", "EndOurs"}
    ended = found["EndOurs"]["Condition"]["StringEquals"]
    assert ended["aws:ResourceTag/mlops:environment"] == str(PLACE.environment_id)
    assert "aws:ResourceTag/mlops:installation" in ended
    started = found["StartWithOurTags"]["Condition"]["StringEquals"]
    assert started["aws:RequestTag/mlops:environment"] == str(PLACE.environment_id)
    for name, statement in found.items():
        if name != "Look":
            assert statement["Resource"] != "*"
            resources = statement["Resource"]
            resources = [resources] if isinstance(resources, str) else resources
            assert all(resource.startswith("arn:aws:ec2:eu-west-1:") for resource in resources)
    assert found["Look"]["Condition"] == {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    assert "arn:aws:ec2:eu-west-1::image/ami-01234567" in found["StartFrom"]["Resource"]


@pytest.mark.parametrize(
    ("settings", "sid", "action"),
    [
        ({"image": "ssm:/acme/image"}, "FindTheImage", "ssm:GetParameter"),
        ({"instance_profile": "reader"}, "GiveTheProfilesRole", "iam:PassRole"),
        ({"disk": {"kms_key": "alias/workers"}}, "EncryptDisks", "kms:CreateGrant"),
        ({"spot": True, "instance_types": ["g5.xlarge", "g4dn.xlarge"]}, "ChooseSpotMachines", "ec2:CreateFleet"),
    ],
)  # fmt: skip
def test_what_a_setting_needs_is_there_with_it_alone(settings: dict[str, Any], sid: str, action: str):
    assert action in statements(**settings)[sid]["Action"]
    assert sid not in statements()


def test_other_partitions():
    assert "arn:aws-cn:ec2:cn-north-1" in json.dumps(statements(region="cn-north-1"))
    assert "arn:aws-us-gov:ec2:us-gov-west-1" in json.dumps(statements(region="us-gov-west-1"))


def test_there_is_none_for_a_template_that_is_wrong():
    assert AwsProvider().policy(replace(PLACE, template={"region": "eu-west-1"})) == ""
