"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from common.admin_site import may_administer


def platform(request: HttpRequest) -> dict[str, Any]:
    return {
        "platform_long_name": settings.PLATFORM_LONG_NAME,
        "platform_short_name": settings.PLATFORM_SHORT_NAME,
        # Asked by those pages only that show a way to the administration site.
        "may_administer": SimpleLazyObject(lambda: may_administer(request.user)),
    }
