"""A new password by e-mail, for who has forgotten theirs."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import reset_links, services
from accounts.addresses import checked_email
from accounts.errors import LinkInvalid
from accounts.web.forms import EmailForm, NewPasswordForm
from common.network import client_address
from common.web.addresses import public_url


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for the letter. The answer is the same whether or not somebody has the address."""
    form = EmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            email = checked_email(form.cleaned_data["email"])
            services.request_reset(email=email, address=client_address(request), site=public_url("", request))
            context = {"email": email, "minutes": settings.PASSWORD_RESET_TIMEOUT // 60}
            return render(request, "accounts/reset_sent.html", context)
    return render(request, "accounts/reset_ask.html", {"form": form}, status=form.status)


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Where the letter leads: set the new password."""
    try:
        user = reset_links.user_of(token)
    except LinkInvalid as error:
        return render(request, "accounts/reset_invalid.html", {"text": error.message}, status=400)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            services.reset_password(
                token=token, new=form.cleaned_data["password"], address=client_address(request)
            )
            messages.success(request, "Your new password is set. Log in with it.")
            return redirect("login")
    return render(request, "accounts/reset_set.html", {"form": form, "account": user}, status=form.status)
