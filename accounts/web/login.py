"""Logging in and out."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import login_links, selectors, sessions, signing_in
from accounts.errors import SignInExpired
from accounts.web.forms import CodeForm, LoginForm


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    next_url = _safe_next(request)
    if request.user.is_authenticated:
        return redirect(next_url)
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            user = signing_in.check_password(request, **form.cleaned_data)
            if selectors.has_2fa(user):
                signing_in.await_code(request.session, user)
                return redirect(f"{reverse('login-code')}?{urlencode({'next': next_url})}")
            sessions.start(request, user, "password")
            return redirect(next_url)
    return render(request, "accounts/login.html", {"form": form, "next": next_url}, status=form.status)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """The second step, for whoever has set up two-factor authentication."""
    next_url = _safe_next(request)
    if request.user.is_authenticated:
        return redirect(next_url)
    try:
        user = signing_in.awaited_user(request.session)
    except SignInExpired as error:
        messages.error(request, error.message)
        return redirect(f"{reverse('login')}?{urlencode({'next': next_url})}")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            how = signing_in.check_code(request, user, form.cleaned_data["code"])
            sessions.start(request, user, how)
            return redirect(next_url)
    return render(request, "accounts/login_code.html", {"form": form, "next": next_url}, status=form.status)


@never_cache
@require_http_methods(["GET"])
def login_link(request: HttpRequest) -> HttpResponse:
    """Sign the browser in by a one-time code, then go on to where its client wanted."""
    link = login_links.redeem(request.GET.get("code", ""))
    if link is None:
        messages.error(request, "This login link was used already or is too old. Log in with your password.")
        return redirect("login")
    # Nobody is moved from their own account into another one by following a link.
    if not request.user.is_authenticated:
        sessions.start(request, link.user, "login link", token=link.token)
    return redirect(_safe_next(request))


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    sessions.end(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


def _safe_next(request: HttpRequest) -> str:
    """Where to go after the login, never to another site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if allowed else settings.LOGIN_REDIRECT_URL
