"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def platform(request: HttpRequest) -> dict[str, Any]:
    return {
        "platform_long_name": settings.PLATFORM_LONG_NAME,
        "platform_short_name": settings.PLATFORM_SHORT_NAME,
    }
