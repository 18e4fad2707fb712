"""The providers by name. A module with its SDK is only loaded when an environment uses it."""

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import cast

from environments.autoscaling.providers.base import Provider

PROVIDERS = {
    "local": "environments.autoscaling.providers.local:LocalProvider",
    "aws": "environments.autoscaling.providers.aws:AwsProvider",
}
"""Name -> module and class."""


def is_known(name: str) -> bool:
    return name in PROVIDERS


@lru_cache
def provider_named(name: str) -> Provider:
    """Raises KeyError for a name that `is_known` denies."""
    module, _, attribute = PROVIDERS[name].partition(":")
    make = cast("Callable[[], Provider]", getattr(import_module(module), attribute))
    return make()
