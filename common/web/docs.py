"""The API's reference: the OpenAPI document and a page to read and try it."""

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularAPIView

schema = SpectacularAPIView.as_view(api_version="v0")


# The viewer writes styles into its markup; nothing that a user stores is on this page.
@csp_update({"style-src": ["'unsafe-inline'"]})
@ensure_csrf_cookie
@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    return render(request, "common/api_docs.html")
