"""What a report of an error may contain: where it happened and which kind it was, not what was in memory then.

Secrets are plain text in memory, under whatever name: the value of a variable, a token, a repository's key. A list of
suspicious names would miss the next one, so that no local variable and no form field is shown at all.
"""

import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class NamesWithoutValues(SafeExceptionReporterFilter):
    """Like Django's, for reports of a real installation: names of variables and form fields, without values."""

    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|SESSION|URL|LOCATION|BROKER|CREDENTIAL|SEED|HOST_USER",
        re.IGNORECASE,
    )

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        if request is None or not self.is_active(request):
            return super().get_post_parameters(request)
        return dict.fromkeys(request.POST, self.cleansed_substitute)

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        if not self.is_active(request):
            return super().get_traceback_frame_variables(request, tb_frame)
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()
