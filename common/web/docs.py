"""The API's reference: the OpenAPI document and a page to read and try it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularAPIView

schema = SpectacularAPIView.as_view(api_version="v0")


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    return render(request, "common/api_docs.html")
