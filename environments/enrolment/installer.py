"""What the installation gives to machines that are to become workers: a command, a script, and the agent itself.

Anybody may fetch script and agent: neither holds a secret. What lets a machine in is the token.
"""

import shlex

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe
from rest_framework.request import Request

from common.web.addresses import installation_url
from environments.enrolment import distribution

NOT_BUILT = "This installation has no agent to give away: whoever runs it runs `agent/build.py`, see docs/operations/workers.md.\n"


def install_command(request: HttpRequest | Request, token: str) -> str:
    """One line for a shell. The token is good once, so that a shell's history gives nothing away."""
    script = installation_url(reverse("agent-install"), request)
    return f"curl -fsSL {shlex.quote(script)} | sudo sh -s -- --token {shlex.quote(token)}"


@require_safe
def install_script(request: HttpRequest) -> HttpResponse:
    build = distribution.build()
    if build is None:
        return _text(NOT_BUILT, status=404)
    app_url = installation_url("/", request).rstrip("/")
    context = {
        "app_url": app_url,
        "app_url_quoted": shlex.quote(app_url),
        "sha256_quoted": shlex.quote(build.sha256),
    }
    return _text(render_to_string("environments/agent/install.sh", context))


@require_safe
def agent_file(request: HttpRequest) -> HttpResponse:
    build = distribution.build()
    if build is None:
        return _text(NOT_BUILT, status=404)
    response = HttpResponse(build.content, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{distribution.NAME}"'
    response["ETag"] = f'"{build.sha256}"'
    return response


@require_safe
def agent_checksum(request: HttpRequest) -> HttpResponse:
    build = distribution.build()
    if build is None:
        return _text(NOT_BUILT, status=404)
    return _text(f"{build.sha256}  {distribution.NAME}\n")


def _text(content: str, status: int = 200) -> HttpResponse:
    return HttpResponse(content, status=status, content_type="text/plain; charset=utf-8")
