"""Which image a template means, and which its root device is."""

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from environments.autoscaling.providers.aws.connection import Connections
from environments.autoscaling.providers.aws.errors import in_words, refusal
from environments.autoscaling.providers.aws.template import AwsTemplate
from environments.autoscaling.providers.base import Place

_KEPT_SECONDS = 300
"""A parameter may point to a new image tomorrow."""


class Images:
    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._known: dict[tuple[Any, ...], tuple[float, Mapping[str, Any]]] = {}
        self._lock = Lock()

    def of(self, place: Place, template: AwsTemplate) -> Mapping[str, Any]:
        """As DescribeImages tells it. Raises `ProviderError`."""
        key = (place.environment_id, template.region, template.image)
        with self._lock:
            until, known = self._known.get(key, (0.0, {}))
        if until > time.monotonic():
            return known
        found = self._ask(place, template)
        with self._lock:
            self._known[key] = (time.monotonic() + _KEPT_SECONDS, found)
        return found

    def forget(self, place: Place) -> None:
        """The next request asks again."""
        with self._lock:
            self._known = {key: kept for key, kept in self._known.items() if key[0] != place.environment_id}

    def _ask(self, place: Place, template: AwsTemplate) -> Mapping[str, Any]:
        image = template.image
        if template.image_parameter:
            parameters = self._connections.client("ssm", place, template)
            with in_words():
                image = parameters.get_parameter(Name=template.image_parameter)["Parameter"]["Value"]
        client = self._connections.client("ec2", place, template)
        with in_words():
            found = client.describe_images(ImageIds=[image])["Images"]
        if not found:
            raise refusal("InvalidAMIID.NotFound", f"there is no image {image} in {template.region}")
        return dict(found[0])
