"""Instances of EC2, one for each machine: started, listed and terminated by tag."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from common.configuration import Key
from environments.autoscaling.providers.aws import checking, launching, policies
from environments.autoscaling.providers.aws.connection import ACCESS_KEY, SECRET_KEY, Connections
from environments.autoscaling.providers.aws.errors import AwsRefusal, in_words
from environments.autoscaling.providers.aws.images import Images
from environments.autoscaling.providers.aws.machines import (
    filters,
    instances,
    is_running,
    machine_of,
    machines,
)
from environments.autoscaling.providers.aws.template import HELP, AwsTemplate, faults_in, parse
from environments.autoscaling.providers.base import (
    ErrorKind,
    Finding,
    LaunchOrder,
    Place,
    ProviderError,
    ProviderMachine,
)
from environments.autoscaling.providers.user_data import boot_script

CLOUD = "ec2"
_GONE = frozenset({"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"})


class AwsProvider:
    name = "aws"
    label = "Amazon EC2"
    template_help = HELP
    list_seconds = 30.0
    absence_seconds = 120.0
    keys: Sequence[Key] = (
        Key(ACCESS_KEY, "access key id", hint="Of a user that has the policy below.", secret=True),
        Key(SECRET_KEY, "secret access key", secret=True),
    )

    location_settings: Sequence[str] = ("region", "role_arn", "credentials")

    def __init__(self) -> None:
        self._connections = Connections()
        self._images = Images(self._connections)
        self._turns = launching.Turns()

    def problems(self, template: Mapping[str, Any]) -> Sequence[str]:
        return faults_in(template)

    def launch(self, order: LaunchOrder) -> ProviderMachine:
        place = order.place
        with self._asking(place) as (client, template):
            with in_words():
                known = _running(client, place, order.machine_id)
            if known:
                return machine_of(known[0], template)
            image = self._images.of(place, template)
            script = boot_script(order, CLOUD, template.user_data)
            turn = self._turns.of(place.environment_id, order.machine_id)
            instance_id = launching.start(client, template, order, image, script, turn)
            return _started(client, instance_id, order.machine_id, template)

    def terminate(self, place: Place, machine_id: UUID | None, provider_id: str) -> None:
        with self._asking(place) as (client, _):
            tagged = []
            if machine_id is not None:
                with in_words():
                    tagged = [one["InstanceId"] for one in _running(client, place, machine_id)]
            # One by one: a request for several is refused as a whole when one of them is gone.
            for instance_id in dict.fromkeys([*tagged, *([provider_id] if provider_id else [])]):
                _terminate(client, instance_id)

    def list(self, place: Place) -> list[ProviderMachine]:
        with self._asking(place) as (client, template), in_words():
            return machines(instances(client, filters(place)), template)

    def check(self, place: Place) -> Sequence[Finding]:
        self._connections.forget(place)
        self._images.forget(place)
        return checking.check(self._connections, self._images, place)

    def policy(self, place: Place) -> str:
        return policies.document(place)

    @contextmanager
    def _asking(self, place: Place) -> Iterator[tuple[Any, AwsTemplate]]:
        """A client and the template. With credentials that were refused, the next request begins anew."""
        try:
            template = parse(place.template)
        except ValueError as error:
            raise ProviderError(f"The machine template is not right: {error}", ErrorKind.TEMPLATE) from error
        try:
            yield self._connections.client("ec2", place, template), template
        except ProviderError as error:
            if error.kind is ErrorKind.CREDENTIALS:
                self._connections.forget(place)
            if error.kind is ErrorKind.TEMPLATE:
                self._images.forget(place)
            raise


def _running(client: Any, place: Place, machine_id: UUID) -> list[dict[str, Any]]:
    return [one for one in instances(client, filters(place, machine_id)) if is_running(one)]


def _started(client: Any, instance_id: str, machine_id: UUID, template: AwsTemplate) -> ProviderMachine:
    """It runs: that its zone cannot be asked for yet does not matter."""
    try:
        with in_words():
            found = instances(client, [{"Name": "instance-id", "Values": [instance_id]}])
    except ProviderError:
        found = []
    if found:
        return machine_of(found[0], template)
    return ProviderMachine(instance_id, machine_id, is_spot=template.spot)


def _terminate(client: Any, instance_id: str) -> None:
    try:
        with in_words():
            client.terminate_instances(InstanceIds=[instance_id])
    except AwsRefusal as error:
        if error.code not in _GONE:
            raise
