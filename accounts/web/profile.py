"""One's own name and e-mail addresses."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import selectors, services
from accounts.current import user_of
from accounts.services.emails import get_claim
from accounts.web.forms import AddEmailForm, NameForm
from accounts.web.pages import account_page, refusals_as_messages
from common.network import client_address
from common.web.addresses import public_url
from common.web.pages import page


@page
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    initial = {"first_name": user.first_name, "last_name": user.last_name}
    form = NameForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        services.change_name(user=user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("profile")
    return render(request, "accounts/profile.html", {**account_page(request, "profile"), "form": form})


@page
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def emails(request: HttpRequest) -> HttpResponse:
    """All addresses; a POST adds one."""
    user = user_of(request)
    form = AddEmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.shows_refusals():
            added = services.add_email(
                user=user,
                **form.cleaned_data,
                address=client_address(request),
                site=public_url("", request),
            )
            messages.success(request, f"A letter is on its way to {added.email}. Open the link in it.")
            return redirect("emails")
    context = {**account_page(request, "emails"), "form": form, "emails": selectors.emails_of(user)}
    return render(request, "accounts/emails.html", context, status=form.status)


@page
@require_POST
def send_verification(request: HttpRequest, email_id: UUID) -> HttpResponse:
    email = selectors.get_email(user_of(request), email_id)
    with refusals_as_messages(request):
        services.send_verification(email=email, address=client_address(request), site=public_url("", request))
        messages.success(request, f"A letter is on its way to {email.email}. Open the link in it.")
    return redirect("emails")


@page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest, token: str) -> HttpResponse:
    """Where the letter leads. Only the button verifies: programs that look into letters open links, too."""
    user = user_of(request)
    with refusals_as_messages(request):
        email = get_claim(user=user, token=token)
        if request.method != "POST" and email.verified_at is None:
            context = {**account_page(request, "emails"), "email": email}
            return render(request, "accounts/email_verify.html", context)
        services.verify_email(user=user, token=token, address=client_address(request))
        messages.success(request, f"{email.email} is verified.")
    return redirect("emails")


@page
@require_POST
def make_primary(request: HttpRequest, email_id: UUID) -> HttpResponse:
    email = selectors.get_email(user_of(request), email_id)
    with refusals_as_messages(request):
        services.make_primary(user=user_of(request), email=email, address=client_address(request))
        messages.success(request, f"{email.email} is your primary address now.")
    return redirect("emails")


@page
@require_POST
def remove_email(request: HttpRequest, email_id: UUID) -> HttpResponse:
    email = selectors.get_email(user_of(request), email_id)
    with refusals_as_messages(request):
        services.remove_email(user=user_of(request), email=email, address=client_address(request))
        messages.success(request, f"{email.email} is removed.")
    return redirect("emails")
