"""How one logs in: password, second factor, and the browsers that are signed in."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import selectors, services, sessions, totp
from accounts.current import user_of
from accounts.models import TotpDevice
from accounts.web.agents import described
from accounts.web.forms import ChangePasswordForm, ConfirmAppForm, PasswordForm, ProofForm
from accounts.web.pages import account_page
from common.network import client_address
from common.web.pages import page


@page
@never_cache
@require_http_methods(["GET", "HEAD"])
def security(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    signed_in = [
        {
            "session": session,
            "browser": described(session.user_agent),
            "is_this": session.session_key == request.session.session_key,
        }
        for session in selectors.sessions_of(user)
    ]
    signed_in.sort(key=lambda row: not row["is_this"])
    context = {
        **account_page(request, "security"),
        "sessions": signed_in,
        "codes_left": selectors.unused_recovery_codes(user),
    }
    return render(request, "accounts/security.html", context)


@page
@never_cache
@sensitive_post_parameters("current", "password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    form = ChangePasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            services.change_password(
                user=user,
                current=form.cleaned_data["current"],
                new=form.cleaned_data["password"],
                address=client_address(request),
                keep_session=request.session.session_key,
            )
            sessions.renew(request, user)
            messages.success(request, "Your password is changed. Every other browser is signed out.")
            return redirect("security")
    context = {**account_page(request, "security"), "form": form}
    return render(request, "accounts/password.html", context, status=form.status)


@page
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def begin_two_factor(request: HttpRequest) -> HttpResponse:
    """The password, before anything is shown that lets somebody in."""
    user = user_of(request)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            services.begin_two_factor(
                user=user, password=form.cleaned_data["password"], address=client_address(request)
            )
            return redirect("two-factor-confirm")
    context = {**account_page(request, "security"), "form": form}
    return render(request, "accounts/two_factor_begin.html", context, status=form.status)


@page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_two_factor(request: HttpRequest) -> HttpResponse:
    """The QR code, and a first code as proof that the app has it. The answer to that shows the recovery codes."""
    user = user_of(request)
    device = TotpDevice.objects.filter(user=user, confirmed_at__isnull=True).first()
    if device is None:
        return redirect("security")
    form = ConfirmAppForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            codes = services.confirm_two_factor(
                user=user, code=form.cleaned_data["code"], address=client_address(request)
            )
            return _show_codes(request, codes, "Two-factor authentication is on")
    address = totp.setup_address(device.seed, user.username, settings.PLATFORM_SHORT_NAME)
    context = {
        **account_page(request, "security"),
        "form": form,
        "qr_code": totp.qr_code(address),
        "seed": " ".join(device.seed[start : start + 4] for start in range(0, len(device.seed), 4)),
    }
    return render(request, "accounts/two_factor_confirm.html", context, status=form.status)


@page
@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def renew_recovery_codes(request: HttpRequest) -> HttpResponse:
    form = ProofForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            codes = services.renew_recovery_codes(
                user=user_of(request), **form.cleaned_data, address=client_address(request)
            )
            return _show_codes(request, codes, "New recovery codes")
    context = {**account_page(request, "security"), "form": form}
    return render(request, "accounts/recovery_codes_renew.html", context, status=form.status)


@page
@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def disable_two_factor(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    form = ProofForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            services.disable_two_factor(user=user, **form.cleaned_data, address=client_address(request))
            messages.success(request, "Two-factor authentication is off.")
            return redirect("security")
    context = {
        **account_page(request, "security"),
        "form": form,
        "losing": selectors.organizations_requiring_2fa(user),
    }
    return render(request, "accounts/two_factor_disable.html", context, status=form.status)


@page
@require_POST
def end_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    user = user_of(request)
    session = selectors.get_session(user, session_id)
    if session.session_key == request.session.session_key:
        sessions.end(request)
        return redirect("login")
    sessions.end_one(session, actor=user)
    messages.success(request, "That browser is signed out.")
    return redirect("security")


@page
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    sessions.end_others(request, user_of(request))
    messages.success(request, "Every other browser is signed out.")
    return redirect("security")


def _show_codes(request: HttpRequest, codes: list[str], title: str) -> HttpResponse:
    """In the answer to the POST: storing them for a redirect would mean storing them."""
    context = {**account_page(request, "security"), "codes": codes, "title": title}
    return render(request, "accounts/recovery_codes.html", context)
