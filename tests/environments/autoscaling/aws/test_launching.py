"""What exactly is asked of EC2 for a machine, and where it is put."""

import base64
import subprocess
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest

from environments.autoscaling.providers.aws import AwsProvider
from environments.autoscaling.providers.aws.launching import Turns, places
from environments.autoscaling.providers.aws.template import parse
from environments.autoscaling.providers.base import Place, ProviderError
from tests.environments.autoscaling.aws.conftest import REGION, template_in
from tests.environments.autoscaling.provider_contract import order_for


def with_template(place: Place, **settings: Any) -> Place:
    return replace(place, template={**place.template, **settings})


def instance(ec2: Any, provider_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ec2.describe_instances(InstanceIds=[provider_id])["Reservations"][0]["Instances"][
        0
    ]
    return found


def script_of(ec2: Any, provider_id: str) -> str:
    data = ec2.describe_instance_attribute(InstanceId=provider_id, Attribute="userData")["UserData"]["Value"]
    return base64.b64decode(data).decode()


def test_what_a_machine_is_started_with(provider: AwsProvider, place: Place, ec2: Any):
    place = with_template(
        place, tags={"team": "vision"}, disk={"size_gb": 60, "type": "gp3", "device": "/dev/sdh"}, prices={"t3.micro": 0.25}
    )  # fmt: skip
    order = order_for(place)
    made = provider.launch(order)
    found = instance(ec2, made.provider_id)
    tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    assert tags["mlops:machine"] == str(order.machine_id)
    assert tags["mlops:environment"] == str(place.environment_id)
    assert tags["mlops:installation"]
    assert tags["team"] == "vision"
    assert tags["Name"] == "acme-gpu worker"
    assert found["MetadataOptions"]["HttpTokens"] == "required"
    assert found["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert found["InstanceType"] == "t3.micro"
    assert found["SubnetId"] in place.template["subnets"]
    assert [group["GroupId"] for group in found["SecurityGroups"]] == place.template["security_groups"]
    assert "IamInstanceProfile" not in found
    assert made.zone == found["Placement"]["AvailabilityZone"]
    assert made.price_per_hour_usd == Decimal("0.25")
    assert not made.is_spot
    shutdown = ec2.describe_instance_attribute(
        InstanceId=made.provider_id, Attribute="instanceInitiatedShutdownBehavior"
    )
    assert shutdown["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
    mapped = {d["DeviceName"]: d["Ebs"]["VolumeId"] for d in found["BlockDeviceMappings"]}
    (volume,) = ec2.describe_volumes(VolumeIds=[mapped["/dev/sdh"]])["Volumes"]
    assert (volume["Size"], volume["VolumeType"], volume["Encrypted"]) == (60, "gp3", True)


def test_a_profile_goes_to_the_machine_and_jobs_reach_it(
    provider: AwsProvider, place: Place, ec2: Any, service: Any
):
    iam = service("iam")
    name = f"reader-{uuid4().hex[:8]}"
    profile = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    made = provider.launch(order_for(with_template(place, instance_profile=name)))
    found = instance(ec2, made.provider_id)
    assert found["IamInstanceProfile"]["Arn"] == profile["Arn"]
    assert found["MetadataOptions"]["HttpPutResponseHopLimit"] == 2


def test_machines_are_spread_over_the_subnets_in_turn(provider: AwsProvider, place: Place, ec2: Any):
    made = [provider.launch(order_for(place)) for _ in range(6)]
    subnets = Counter(instance(ec2, machine.provider_id)["SubnetId"] for machine in made)
    assert subnets == dict.fromkeys(place.template["subnets"], 2)
    assert {machine.zone for machine in made} == {f"{REGION}{zone}" for zone in "abc"}


def test_the_same_machine_has_the_same_turn():
    turns, environment, machine = Turns(), uuid4(), UUID(int=5)
    first = turns.of(environment, machine)
    assert turns.of(environment, uuid4()) == first + 1
    assert turns.of(environment, machine) == first


def test_every_subnet_comes_before_the_next_machine_type(place: Place):
    template = parse({**place.template, "instance_types": ["g5.xlarge", "g4dn.xlarge"]})
    tried = [(p.instance_type, p.subnet) for p in places(template, 1)]
    one, two, three = template.subnets
    assert tried == [(name, subnet) for name in ("g5.xlarge", "g4dn.xlarge") for subnet in (two, three, one)]


def test_a_single_spot_machine(provider: AwsProvider, place: Place, ec2: Any):
    place = with_template(place, subnets=place.template["subnets"][:1], spot=True, spot_max_price=0.05)
    made = provider.launch(order_for(place))
    assert made.is_spot
    assert instance(ec2, made.provider_id)["InstanceLifecycle"] == "spot"
    assert provider.list(place)[0].is_spot


def test_spot_over_several_places_is_left_to_amazons_choice(provider: AwsProvider, place: Place, ec2: Any):
    place = with_template(place, instance_types=["t3.micro", "t3.small"], spot=True, spot_max_price=0.05)
    order = order_for(place)
    made = provider.launch(order)
    assert made.is_spot
    assert made.machine_id == order.machine_id
    assert made.provider_id == provider.list(place)[0].provider_id
    assert provider.launch(order).provider_id == made.provider_id
    fleet = next(
        fleet
        for fleet in ec2.describe_fleets()["Fleets"]
        if {"Key": "mlops:machine", "Value": str(order.machine_id)} in fleet.get("Tags", [])
    )
    assert fleet["Type"] == "instant"
    assert fleet["SpotOptions"]["AllocationStrategy"] == "capacity-optimized"
    overrides = fleet["LaunchTemplateConfigs"][0]["Overrides"]
    assert {(o["InstanceType"], o["SubnetId"], o["MaxPrice"]) for o in overrides} == {
        (name, subnet, "0.05") for name in ("t3.micro", "t3.small") for subnet in place.template["subnets"]
    }
    names = [t["LaunchTemplateName"] for t in ec2.describe_launch_templates()["LaunchTemplates"]]
    assert f"mlops-{order.machine_id}" not in names, "with the enrolment token, nothing stays"
    provider.terminate(place, order.machine_id, made.provider_id)
    assert not [machine for machine in provider.list(place) if machine.is_running]


def test_what_an_interrupted_spot_launch_left_behind_is_replaced(
    provider: AwsProvider, place: Place, ec2: Any
):
    place = with_template(place, spot=True)
    order = order_for(place)
    ec2.create_launch_template(
        LaunchTemplateName=f"mlops-{order.machine_id}", LaunchTemplateData={"ImageId": "ami-00000000"}
    )
    assert provider.launch(order).is_spot


def test_an_image_may_be_named_by_a_parameter(provider: AwsProvider, place: Place, ec2: Any, service: Any):
    ssm = service("ssm")
    name = f"/acme/{uuid4().hex}"
    ssm.put_parameter(Name=name, Value=place.template["image"], Type="String")
    made = provider.launch(order_for(with_template(place, image=f"ssm:{name}")))
    assert instance(ec2, made.provider_id)["ImageId"] == place.template["image"]
    with pytest.raises(ProviderError, match="template names something that is not there"):
        provider.launch(order_for(with_template(place, image="/acme/none")))


def test_an_image_that_is_gone_starts_nothing(provider: AwsProvider, place: Place):
    with pytest.raises(ProviderError, match="ami-00000000"):
        provider.launch(order_for(with_template(place, image="ami-00000000")))
    assert not provider.list(place)


def test_a_role_of_another_account_is_taken(provider: AwsProvider, place: Place, service: Any, endpoint: str):
    role = "arn:aws:iam::210987654321:role/scaler"
    taken = service("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    theirs = boto3.client(
        "ec2", region_name=REGION, endpoint_url=endpoint, aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"], aws_session_token=taken["SessionToken"],
    )  # fmt: skip
    other = replace(place, template={**template_in(theirs), "role_arn": role, "external_id": "acme-1"})
    order = order_for(other)
    made = provider.launch(order)
    assert instance(theirs, made.provider_id)["InstanceType"] == "t3.micro"
    assert [machine.machine_id for machine in provider.list(other)] == [order.machine_id]
    assert not provider.list(place), "in the account of the keys there is none"
    assert "210987654321" in provider.check(other)[0].text


def test_two_machines_with_one_tag_leave_one(provider: AwsProvider, place: Place, ec2: Any):
    """Lists lag behind: in the worst case a machine is started a second time. The second one is nobody's, and is ended."""
    order = order_for(place)
    first = provider.launch(order)
    tags = instance(ec2, first.provider_id)["Tags"]
    second = ec2.run_instances(
        ImageId=place.template["image"], MinCount=1, MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )["Instances"][0]["InstanceId"]  # fmt: skip
    listed = {machine.provider_id: machine.machine_id for machine in provider.list(place)}
    assert sorted(listed) == sorted([first.provider_id, second])
    assert sorted(map(str, listed.values())) == sorted(["None", str(order.machine_id)])


def test_a_machine_without_a_sensible_tag_is_an_orphan(provider: AwsProvider, place: Place, ec2: Any):
    made = ec2.run_instances(
        ImageId=place.template["image"], MinCount=1, MaxCount=1,
        TagSpecifications=[{
            "ResourceType": "instance",
            "Tags": [{"Key": "mlops:environment", "Value": str(place.environment_id)}, {"Key": "mlops:machine", "Value": "x"}],
        }],
    )["Instances"][0]["InstanceId"]  # fmt: skip
    (listed,) = provider.list(place)
    assert listed.machine_id is None
    assert listed.is_running
    provider.terminate(place, None, made)
    assert not [machine for machine in provider.list(place) if machine.is_running]


def test_a_stopped_machine_is_still_there(provider: AwsProvider, place: Place, ec2: Any):
    made = provider.launch(order_for(place))
    ec2.stop_instances(InstanceIds=[made.provider_id])
    assert provider.list(place)[0].is_running


def test_the_script_lets_the_machine_in_and_tells_no_password(
    provider: AwsProvider, place: Place, ec2: Any, tmp_path: Path
):
    place = with_template(place, user_data="echo it's mine > /tmp/x\nif broken")
    order = order_for(place, REDIS_URL="rediss://:pass-word@redis:6379")
    script = script_of(ec2, provider.launch(order).provider_id)
    assert "pass-word" not in script
    assert "redis" not in script
    checked = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    run = _run_script(script, tmp_path)
    assert f"token={order.agent_settings['PEON_TOKEN']}" in run
    assert "--set CLOUD=ec2" in run
    assert f"--set PEON_MACHINE_ID={order.machine_id}" in run
    assert "https://ml.example.com/agent/install.sh" in run


def test_without_a_token_nothing_is_started(provider: AwsProvider, place: Place):
    with pytest.raises(ProviderError, match="no enrolment token"):
        provider.launch(order_for(place, PEON_TOKEN=""))
    assert not provider.list(place)


def _run_script(script: str, folder: Path) -> str:
    """What the script does, with a `curl` that writes an installer which says what it was told."""
    said = folder / "said"
    programs = folder / "bin"
    programs.mkdir()
    (programs / "curl").write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {said}\n'
        'while [ "$1" != -o ]; do shift; done\n'
        f"printf '%s\\n' 'echo token=$PEON_TOKEN \"$@\" >> {said}' > \"$2\"\n"
    )
    (programs / "curl").chmod(0o755)
    script = (
        script.replace("/var/log/", f"{folder}/")
        .replace("/run/", f"{folder}/")
        .replace("/tmp/x", f"{folder}/x")
    )
    path = {"PATH": f"{programs}:/usr/bin:/bin"}
    subprocess.run(["sh"], input=script, text=True, env=path, check=True, timeout=30)
    return said.read_text()
