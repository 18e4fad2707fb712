"""Starts one instance. Tried in several places until one has it; asked twice, EC2 knows the machine by its token."""

import base64
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID, uuid5

from environments.autoscaling.providers.aws.errors import (
    AwsRefusal,
    code_of,
    in_words,
    may_try_next_place,
    refusal,
)
from environments.autoscaling.providers.aws.machines import tags_of
from environments.autoscaling.providers.aws.template import AwsTemplate
from environments.autoscaling.providers.base import ErrorKind, LaunchOrder, Place, ProviderError

MOST_ATTEMPTS = 8
"""Places that are tried for a machine: each takes a second or more."""
_REMEMBERED = 10_000
_TAKEN = "InvalidLaunchTemplateName.AlreadyExistsException"


@dataclass(frozen=True)
class Spot:
    """Where an instance could stand."""

    instance_type: str
    subnet: str


class Turns:
    """Each machine of an environment begins with the next subnet. The same one with the same, however often it is asked for."""

    def __init__(self) -> None:
        self._next: dict[UUID, int] = {}
        self._known: OrderedDict[UUID, int] = OrderedDict()
        self._lock = Lock()

    def of(self, environment_id: UUID, machine_id: UUID) -> int:
        with self._lock:
            if machine_id not in self._known:
                turn = self._next.get(environment_id, machine_id.int % 97)
                self._known[machine_id] = turn
                self._next[environment_id] = turn + 1
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            return self._known[machine_id]


def places(template: AwsTemplate, turn: int) -> list[Spot]:
    """The wanted machine type in all subnets, then the next one."""
    start = turn % len(template.subnets)
    subnets = template.subnets[start:] + template.subnets[:start]
    return [Spot(name, subnet) for name in template.instance_types for subnet in subnets]


def start(
    client: Any, template: AwsTemplate, order: LaunchOrder, image: Mapping[str, Any], script: str, turn: int
) -> str:
    """The new instance's id. Raises `ProviderError`."""
    possible = places(template, turn)
    if template.spot and len(possible) > 1:
        return _start_fleet(client, template, order, image, script, possible)
    *others, last = possible[:MOST_ATTEMPTS]
    for place in others:
        try:
            return _run(client, template, order, image, script, place)
        except ProviderError as error:
            if not may_try_next_place(error):
                raise
    return _run(client, template, order, image, script, last)


def request(
    template: AwsTemplate, place: Place, machine_id: UUID | None, image: Mapping[str, Any], script: str
) -> dict[str, Any]:
    """What RunInstances and launch templates have in common."""
    tags = tags_of(place, machine_id, template)
    named = {"KeyName": template.key_name} if template.key_name else {}
    profile = {"IamInstanceProfile": template.profile} if template.profile else {}
    return {
        "ImageId": image["ImageId"],
        "SecurityGroupIds": list(template.security_groups),
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": template.metadata_hop_limit,
        },
        "BlockDeviceMappings": [_disk(template, image)],
        "UserData": base64.b64encode(script.encode()).decode(),
        "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
        **named,
        **profile,
    }


def run_request(
    template: AwsTemplate, common: Mapping[str, Any], place: Spot, *, token: str = ""
) -> dict[str, Any]:
    # The SDK encodes the script of this call itself.
    script = base64.b64decode(common["UserData"]).decode()
    once = {"ClientToken": token} if token else {}
    return {
        **common,
        "UserData": script,
        "InstanceType": place.instance_type,
        "SubnetId": place.subnet,
        "MinCount": 1,
        "MaxCount": 1,
        **once,
        **({"InstanceMarketOptions": _market(template)} if template.spot else {}),
    }


def _run(
    client: Any, template: AwsTemplate, order: LaunchOrder, image: Mapping[str, Any], script: str, place: Spot
) -> str:
    common = request(template, order.place, order.machine_id, image, script)
    token = str(uuid5(order.machine_id, f"{place.instance_type} {place.subnet}"))
    with in_words():
        answer = client.run_instances(**run_request(template, common, place, token=token))
    return str(answer["Instances"][0]["InstanceId"])


def _start_fleet(
    client: Any, template: AwsTemplate, order: LaunchOrder, image: Mapping[str, Any], script: str,
    possible: Sequence[Spot],
) -> str:  # fmt: skip
    """Of all places EC2 takes the one where it is least likely to take the machine back soon."""
    common = request(template, order.place, order.machine_id, image, script)
    name = f"mlops-{order.machine_id}"
    tags = tags_of(order.place, order.machine_id, template)
    with in_words():
        template_id = _note_template(client, name, common, tags)
        try:
            answer = client.create_fleet(
                Type="instant",
                ClientToken=str(order.machine_id),
                TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "spot"},
                SpotOptions={"AllocationStrategy": "capacity-optimized"},
                LaunchTemplateConfigs=[{
                    "LaunchTemplateSpecification": {
                        "LaunchTemplateId": template_id,
                        "Version": "1",
                    },
                    "Overrides": [_override(template, place) for place in possible],
                }],
                TagSpecifications=[{"ResourceType": "fleet", "Tags": tags}],
            )  # fmt: skip
        finally:
            client.delete_launch_template(LaunchTemplateId=template_id)
    return _of_fleet(answer)


def _of_fleet(answer: Mapping[str, Any]) -> str:
    for group in answer.get("Instances", []):
        for instance_id in group.get("InstanceIds", []):
            return str(instance_id)
    refusals = [
        refusal(error.get("ErrorCode", ""), error.get("ErrorMessage", ""))
        for error in answer.get("Errors", [])
    ]
    hindered = [error for error in refusals if not may_try_next_place(error)]
    if hindered or refusals:
        raise (hindered or refusals)[0]
    raise AwsRefusal(
        "Amazon started no spot machine and does not say why. It is tried again.", ErrorKind.CAPACITY
    )


def _note_template(
    client: Any, name: str, common: Mapping[str, Any], tags: Sequence[Mapping[str, str]]
) -> str:
    """Its id. One of an earlier request that was interrupted has another enrolment token in it, and gives way."""
    from botocore.exceptions import ClientError

    wanted = {
        "LaunchTemplateName": name,
        "LaunchTemplateData": common,
        "TagSpecifications": [{"ResourceType": "launch-template", "Tags": tags}],
    }
    try:
        made = client.create_launch_template(**wanted)
    except ClientError as error:
        if code_of(error) != _TAKEN:
            raise
        client.delete_launch_template(LaunchTemplateName=name)
        made = client.create_launch_template(**wanted)
    return str(made["LaunchTemplate"]["LaunchTemplateId"])


def _override(template: AwsTemplate, place: Spot) -> dict[str, Any]:
    price = {"MaxPrice": str(template.spot_max_price)} if template.spot_max_price else {}
    return {"InstanceType": place.instance_type, "SubnetId": place.subnet, **price}


def _market(template: AwsTemplate) -> dict[str, Any]:
    price = {"MaxPrice": str(template.spot_max_price)} if template.spot_max_price else {}
    return {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time", **price}}


def _disk(template: AwsTemplate, image: Mapping[str, Any]) -> dict[str, Any]:
    disk = template.disk
    key = {"KmsKeyId": disk.kms_key} if disk.kms_key else {}
    return {
        "DeviceName": disk.device or image.get("RootDeviceName") or "/dev/xvda",
        "Ebs": {
            "VolumeSize": disk.size_gb,
            "VolumeType": disk.volume_type,
            "Encrypted": disk.encrypted,
            "DeleteOnTermination": True,
            **key,
        },
    }
