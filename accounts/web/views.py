"""Login, logout and API tokens."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as start_session
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import login_links, selectors, services, throttling
from accounts.current import user_of
from accounts.models import User
from accounts.web.forms import LoginForm, TokenForm
from common import clock
from common.errors import DomainError
from common.web.pages import page


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    next_url = _safe_next(request)
    if request.user.is_authenticated:
        return redirect(next_url)
    form = LoginForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            user = throttling.login(request, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, error.message)
            status = error.http_status
        else:
            start_session(request, user)
            return redirect(next_url)
    return render(request, "accounts/login.html", {"form": form, "next": next_url}, status=status)


@never_cache
@require_http_methods(["GET"])
def login_link(request: HttpRequest) -> HttpResponse:
    """Sign the browser in by a one-time code, then go on to where its client wanted."""
    user = login_links.redeem(request.GET.get("code", ""))
    if user is None:
        messages.error(request, "This login link was used already or is too old. Log in with your password.")
        return redirect("login")
    # Nobody is moved from their own account into another one by following a link.
    if not request.user.is_authenticated:
        start_session(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(_safe_next(request))


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    end_session(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        # The answer to the POST shows the secret: storing it for a redirect would mean storing it.
        token, secret = services.create_api_token(
            user=user_of(request), name=form.cleaned_data["name"], expires_at=form.expires_at
        )
        command = f"vh login --host {request.build_absolute_uri('/')} --token {secret}"
        return _tokens_page(request, TokenForm(), created=token, secret=secret, login_command=command)
    return _tokens_page(request, form)


@page
@require_POST
def revoke_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    token = selectors.get_api_token(user_of(request), token_id)
    services.revoke_api_token(token=token, actor=user_of(request))
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("tokens")


def _tokens_page(request: HttpRequest, form: TokenForm, **context: object) -> HttpResponse:
    user: User = user_of(request)
    listed = user.api_tokens.order_by("-created_at")
    return render(
        request, "accounts/tokens.html", {"form": form, "tokens": listed, "now": clock.now(), **context}
    )


def _safe_next(request: HttpRequest) -> str:
    """Where to go after the login, never to another site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if allowed else settings.LOGIN_REDIRECT_URL
