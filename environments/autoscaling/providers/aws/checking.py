"""Asks EC2 whether machines could be started, without starting one: with `DryRun` it answers `DryRunOperation` for yes.

It judges rights and most of what the template names. Whether there is capacity, only starting one shows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from environments.autoscaling.providers.aws.connection import Connections
from environments.autoscaling.providers.aws.errors import AwsRefusal, in_words
from environments.autoscaling.providers.aws.images import Images
from environments.autoscaling.providers.aws.launching import Spot, request, run_request
from environments.autoscaling.providers.aws.machines import filters, instances
from environments.autoscaling.providers.aws.template import AwsTemplate, faults_in, parse
from environments.autoscaling.providers.base import Finding, Place, ProviderError

WOULD_DO = "DryRunOperation"


def check(connections: Connections, images: Images, place: Place) -> Sequence[Finding]:
    faults = faults_in(place.template)
    if faults:
        return [Finding(False, fault) for fault in faults]
    return list(_findings(connections, images, place, parse(place.template)))


def _findings(
    connections: Connections, images: Images, place: Place, template: AwsTemplate
) -> Iterator[Finding]:
    """Each thing needs those before it."""
    try:
        account = _account(connections, place, template)
        yield Finding(True, f"The credentials are good, in the account {account}.")
        client = connections.client("ec2", place, template)
        with in_words():
            number = len(instances(client, filters(place)))
        yield Finding(
            True,
            f"Machines can be listed; Amazon tells of {number} of this environment, ended ones included.",
        )
        image = images.of(place, template)
        yield Finding(True, f"The image is {image['ImageId']}{_named(image)}.")
    except ProviderError as error:
        yield Finding(False, error.message)
        return
    yield from _dry_runs(client, place, template, image)


def _dry_runs(client: Any, place: Place, template: AwsTemplate, image: Any) -> Iterator[Finding]:
    """Each subnet with the first machine type, and each other type in the first subnet."""
    common = request(template, place, None, image, "#!/bin/sh\n")
    first, subnet = template.instance_types[0], template.subnets[0]
    asked = [Spot(first, other) for other in template.subnets]
    asked += [Spot(other, subnet) for other in template.instance_types[1:]]
    for where in asked:
        wanted = run_request(template, common, where)
        what = f"{where.instance_type} in {where.subnet}"
        yield _dry_run(
            lambda wanted=wanted: client.run_instances(DryRun=True, **wanted),  # type: ignore[misc]
            f"Amazon would start {what}.", f"Not {what}:",
        )  # fmt: skip


def _dry_run(ask: Callable[[], Any], good: str, bad: str) -> Finding:
    try:
        with in_words():
            ask()
    except AwsRefusal as error:
        if error.code == WOULD_DO:
            return Finding(True, good)
        return Finding(False, f"{bad} {error.message}")
    except ProviderError as error:
        return Finding(False, f"{bad} {error.message}")
    return Finding(False, f"{bad} Amazon did not say whether it would.")


def _account(connections: Connections, place: Place, template: AwsTemplate) -> str:
    client = connections.client("sts", place, template)
    with in_words():
        return str(client.get_caller_identity()["Account"])


def _named(image: Any) -> str:
    name = image.get("Name", "")
    return f" ({name})" if name else ""
