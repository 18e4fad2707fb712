"""EC2's instances as machines of ours, known by their tags."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings

from environments.autoscaling.providers.aws.template import AwsTemplate
from environments.autoscaling.providers.base import Place, ProviderMachine

INSTALLATION_TAG, ENVIRONMENT_TAG, MACHINE_TAG = "mlops:installation", "mlops:environment", "mlops:machine"
_ENDED = frozenset({"shutting-down", "terminated"})
_REASONS = {
    "Server.SpotInstanceTermination": "Amazon took the spot machine back",
    "Server.SpotInstanceShutdown": "Amazon took the spot machine back",
    "Server.InsufficientInstanceCapacity": "Amazon had no capacity for it",
    "Server.InternalError": "Amazon could not start it",
    "Client.InstanceInitiatedShutdown": "it shut itself down; where its agent could not be installed, it does so",
    "Client.UserInitiatedShutdown": "somebody terminated it at Amazon",
    "Client.VolumeLimitExceeded": "the account's quota of volumes is used up",
    "Client.InvalidSnapshot.NotFound": "the image's snapshot is not there",
    "Client.InternalError": "its disk could not be made; for an encrypted one, look at the rights to its key",
}


def tags_of(place: Place, machine_id: UUID | None, template: AwsTemplate) -> list[dict[str, str]]:
    own = {
        INSTALLATION_TAG: settings.INSTALLATION_ID,
        ENVIRONMENT_TAG: str(place.environment_id),
        "Name": f"{place.slug} worker"[:256],
    }
    machine = {MACHINE_TAG: str(machine_id)} if machine_id else {}
    return [{"Key": key, "Value": value} for key, value in {**own, **template.tags, **machine}.items()]


def filters(place: Place, machine_id: UUID | None = None) -> list[dict[str, Any]]:
    """The environment's id alone is enough: another installation has no such one."""
    wanted = [{"Name": f"tag:{ENVIRONMENT_TAG}", "Values": [str(place.environment_id)]}]
    if machine_id is not None:
        wanted.append({"Name": f"tag:{MACHINE_TAG}", "Values": [str(machine_id)]})
    return wanted


def instances(client: Any, wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The oldest first."""
    pages = client.get_paginator("describe_instances").paginate(
        Filters=list(wanted), PaginationConfig={"PageSize": 1000}
    )
    found = [one for page in pages for held in page["Reservations"] for one in held["Instances"]]
    return sorted(found, key=lambda one: (one["LaunchTime"], one["InstanceId"]))


def is_running(instance: Mapping[str, Any]) -> bool:
    """Also one that somebody stopped: it has a disk, and is to be terminated."""
    return instance["State"]["Name"] not in _ENDED


def machines(found: Iterable[Mapping[str, Any]], template: AwsTemplate) -> list[ProviderMachine]:
    """Of instances with the same tag, all but the oldest running one are nobody's: to be ended."""
    taken: set[UUID | None] = {None}
    made = []
    for instance in found:
        machine = machine_of(instance, template)
        if machine.is_running:
            if machine.machine_id in taken:
                machine = replace(machine, machine_id=None)
            taken.add(machine.machine_id)
        made.append(machine)
    return made


def machine_of(instance: Mapping[str, Any], template: AwsTemplate) -> ProviderMachine:
    running = is_running(instance)
    return ProviderMachine(
        provider_id=instance["InstanceId"],
        machine_id=_machine_id(instance),
        is_running=running,
        end_reason="" if running else _end_reason(instance),
        zone=instance.get("Placement", {}).get("AvailabilityZone", ""),
        is_spot=instance.get("InstanceLifecycle") == "spot",
        price_per_hour_usd=template.prices.get(instance.get("InstanceType", "")),
    )


def _machine_id(instance: Mapping[str, Any]) -> UUID | None:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    try:
        return UUID(tags.get(MACHINE_TAG, ""))
    except ValueError:
        return None


def _end_reason(instance: Mapping[str, Any]) -> str:
    reason = instance.get("StateReason") or {}
    code = reason.get("Code", "")
    return _REASONS.get(code) or f"Amazon says: {reason.get('Message') or code or instance['State']['Name']}"
