"""The least rights with which an environment's machines can be started and ended, for its template."""

import json
from typing import Any

from django.conf import settings

from environments.autoscaling.providers.aws.machines import ENVIRONMENT_TAG, INSTALLATION_TAG
from environments.autoscaling.providers.aws.template import AwsTemplate, faults_in, parse
from environments.autoscaling.providers.base import Place

_CREATED = ("instance", "volume", "launch-template", "fleet")
_KMS = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncrypt*",
]


def document(place: Place) -> str:
    """Empty until the template is right: it names the region, and what else is needed."""
    if faults_in(place.template):
        return ""
    policy = {"Version": "2012-10-17", "Statement": _statements(place, parse(place.template))}
    return json.dumps(policy, indent=2)


def _statements(place: Place, template: AwsTemplate) -> list[dict[str, Any]]:
    region = {"StringEquals": {"aws:RequestedRegion": template.region}}
    ours = {INSTALLATION_TAG: settings.INSTALLATION_ID, ENVIRONMENT_TAG: str(place.environment_id)}
    arn = f"arn:{_partition(template.region)}:ec2:{template.region}:*"
    by_us = {"StringEquals": {"ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]}}
    found = [
        _allow("Look", ["ec2:DescribeInstances", "ec2:DescribeImages"], "*", region),
        _allow(
            "StartWithOurTags",
            ["ec2:RunInstances"],
            [f"{arn}:instance/*", f"{arn}:volume/*"],
            _requested(ours),
        ),
        _allow("StartFrom", ["ec2:RunInstances"], _used(template)),
        _allow("TagWhatIsStarted", ["ec2:CreateTags"], [f"{arn}:{kind}/*" for kind in _CREATED], by_us),
        _allow("EndOurs", ["ec2:TerminateInstances"], f"{arn}:instance/*", _standing(ours)),
    ]
    if template.spot and len(template.subnets) * len(template.instance_types) > 1:
        templates = f"{arn}:launch-template/*"
        found += [
            _allow("NoteSpotMachines", ["ec2:CreateLaunchTemplate"], templates, _requested(ours)),
            _allow("ForgetSpotMachines", ["ec2:DeleteLaunchTemplate"], templates, _standing(ours)),
            _allow("ChooseSpotMachines", ["ec2:CreateFleet"], "*", region),
        ]
    if template.image_parameter:
        parameter = _arn(template, "ssm", f"parameter{template.image_parameter}")
        found.append(_allow("FindTheImage", ["ssm:GetParameter"], parameter))
    if template.disk.kms_key:
        via = {"StringEquals": {"kms:ViaService": f"ec2.{template.region}.amazonaws.com"}}
        found.append(_allow("EncryptDisks", _KMS, _arn(template, "kms", "key/*"), via))
    if template.instance_profile:
        found.append(_pass_role(template))
    return found


def _used(template: AwsTemplate) -> list[str]:
    """What instances are started from."""
    # The account in the name of an image is empty, whoever owns it.
    image = f"arn:{_partition(template.region)}:ec2:{template.region}::image/"
    used = [
        image + ("*" if template.image_parameter else template.image),
        *(_arn(template, "ec2", f"subnet/{subnet}") for subnet in template.subnets),
        *(_arn(template, "ec2", f"security-group/{group}") for group in template.security_groups),
        _arn(template, "ec2", "network-interface/*"),
    ]
    if template.key_name:
        used.append(_arn(template, "ec2", f"key-pair/{template.key_name}"))
    if template.spot:
        used += [_arn(template, "ec2", f"{kind}/*") for kind in ("launch-template", "spot-instances-request")]
    return used


def _pass_role(template: AwsTemplate) -> dict[str, Any]:
    """Which role the profile holds, only the account knows: the document says where to write it."""
    role = f"arn:{_partition(template.region)}:iam::*:role/ROLE-OF-THE-PROFILE"
    to_machines = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    return _allow("GiveTheProfilesRole", ["iam:PassRole"], role, to_machines)


def _requested(tags: dict[str, str]) -> dict[str, Any]:
    return {"StringEquals": {f"aws:RequestTag/{name}": value for name, value in tags.items()}}


def _standing(tags: dict[str, str]) -> dict[str, Any]:
    return {"StringEquals": {f"aws:ResourceTag/{name}": value for name, value in tags.items()}}


def _arn(template: AwsTemplate, service: str, resource: str) -> str:
    """In the template's region, of whatever account the policy is in."""
    return f"arn:{_partition(template.region)}:{service}:{template.region}:*:{resource}"


def _allow(
    name: str, actions: list[str], resources: str | list[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    conditioned = {"Condition": condition} if condition else {}
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resources, **conditioned}


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
