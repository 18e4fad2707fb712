"""JSON in and out by plain Django views, for programs that carry a credential of their own: cheaper than the REST framework."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from common.errors import DomainError
from common.rest.errors import domain_body


class BodyRefused(DomainError):
    code = "invalid"


@method_decorator(csrf_exempt, name="dispatch")
class PlainView(View):
    """Lets `admit` look at the credential first; whatever is refused is answered in the one error shape."""

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if str(request.method).lower() not in self.http_method_names:
            return self.http_method_not_allowed(request, *args, **kwargs)
        try:
            self.admit(request, **kwargs)
            return super().dispatch(request, *args, **kwargs)
        except DomainError as error:
            headers = self.headers_of(error)
            return JsonResponse(domain_body(error), status=error.http_status, headers=headers)

    def admit(self, request: HttpRequest, **kwargs: Any) -> None:
        """Raise a `DomainError` unless the request may be answered."""
        raise NotImplementedError

    def headers_of(self, error: DomainError) -> dict[str, str]:
        return {}


def json_body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise BodyRefused("The body must be JSON.") from None
    if not isinstance(body, dict):
        raise BodyRefused("The body must be a JSON object.")
    return body
