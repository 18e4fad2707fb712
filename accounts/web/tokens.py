"""API tokens."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import selectors, services, sessions
from accounts.current import user_of
from accounts.web.forms import TokenForm
from accounts.web.pages import account_page
from common import clock
from common.web.pages import page


@page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    longest_life = selectors.longest_token_life(user)
    form = TokenForm(request.POST or None, longest_life=longest_life)
    made: dict[str, object] = {}
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            token, secret = services.create_api_token(
                user=user,
                name=form.cleaned_data["name"],
                access_scope=form.cleaned_data["access_scope"],
                expires_at=form.expires_at,
                made_with=sessions.token_behind(request),
            )
            # The answer to the POST shows the secret: storing it for a redirect would mean storing it.
            command = f"vh login --host {request.build_absolute_uri('/')} --token {secret}"
            made = {"created": token, "secret": secret, "login_command": command}
            form = TokenForm(longest_life=longest_life)
    now = clock.now()
    rows = []
    for token in user.api_tokens.order_by("-created_at"):
        end = selectors.end_of(token, longest_life)
        rows.append({"token": token, "end": end, "is_over": end is not None and end <= now})
    context = {**account_page(request, "tokens"), "form": form, "rows": rows, **made}
    return render(request, "accounts/tokens.html", context, status=form.status)


@page
@require_POST
def revoke_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    token = selectors.get_api_token(user_of(request), token_id)
    services.revoke_api_token(token=token, actor=user_of(request))
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("tokens")
