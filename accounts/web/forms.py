"""Forms of the login, account and token pages. They read what was sent; services decide what it means."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.timezone import get_current_timezone

from accounts.models import ApiToken
from accounts.services.passwords import LONGEST as LONGEST_PASSWORD
from common import clock
from common.errors import DomainError
from common.web.forms import SELECT, TEXT, show_error


def password_field(label: str, autocomplete: str, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput({"class": "form-control", "autocomplete": autocomplete}),
        **options,
    )


def code_field(label: str = "Code", **attributes: Any) -> forms.CharField:
    """Of an authenticator app, or a recovery code: both fit."""
    widget = {**TEXT, "autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
    return forms.CharField(label=label, max_length=64, widget=forms.TextInput({**widget, **attributes}))


class AccountForm(forms.Form):
    status = 200
    """Of the answer that shows the form."""

    @contextmanager
    def shows_refusals(self) -> Iterator[None]:
        """What a service refuses in the block is shown beside the field that it names."""
        try:
            yield
        except DomainError as error:
            show_error(self, error)
            self.status = error.http_status


class LoginForm(AccountForm):
    username = forms.CharField(
        max_length=254,
        widget=forms.TextInput(
            {**TEXT, "autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        ),
    )
    password = password_field("Password", "current-password")


class CodeForm(AccountForm):
    code = code_field("Authentication code", autofocus=True)


class EmailForm(AccountForm):
    email = forms.CharField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput({**TEXT, "autocomplete": "email", "autofocus": True}),
    )


class NewPasswordForm(AccountForm):
    password = password_field(
        "New password", "new-password", help_text="At least 10 characters. Long and easy to remember is good."
    )
    again = password_field("New password again", "new-password")

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if {"password", "again"} <= given.keys() and given["password"] != given["again"]:
            self.add_error("again", "The two passwords are not the same.")
        return given


class ChangePasswordForm(NewPasswordForm):
    current = password_field("Current password", "current-password")
    field_order = ("current", "password", "again")


class NameForm(AccountForm):
    first_name = forms.CharField(
        required=False, max_length=150, widget=forms.TextInput({**TEXT, "autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        required=False, max_length=150, widget=forms.TextInput({**TEXT, "autocomplete": "family-name"})
    )


class AddEmailForm(AccountForm):
    email = forms.CharField(
        label="New address", max_length=254, widget=forms.EmailInput({**TEXT, "autocomplete": "email"})
    )
    password = password_field("Your password", "current-password")


class PasswordForm(AccountForm):
    """Proof that it is still the user who sits there."""

    password = password_field("Your password", "current-password")


class ConfirmAppForm(AccountForm):
    code = code_field("Code that the app shows", inputmode="numeric", placeholder="123 456", autofocus=True)


class ProofForm(PasswordForm):
    code = code_field("Code of your app, or a recovery code")


class TokenForm(AccountForm):
    """A new API token. `expires` is the last day on which it works; `longest_life` what organizations allow."""

    name = forms.CharField(
        max_length=100,
        widget=forms.TextInput({**TEXT, "placeholder": "What will use it? For example: laptop"}),
    )
    access_scope = forms.ChoiceField(
        label="Access",
        choices=ApiToken.AccessScope.choices,
        initial=ApiToken.AccessScope.FULL,
        required=False,
        widget=forms.Select(SELECT),
    )
    expires = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput({"class": "form-control", "type": "date"}),
        help_text="Empty: it works until you revoke it.",
    )

    def __init__(self, data: Any = None, *, longest_life: timedelta | None = None) -> None:
        super().__init__(data)
        self.longest_life = longest_life
        if longest_life:
            latest = clock.now() + longest_life
            self.fields["expires"].help_text = f"Empty: {longest_life.days} days, the longest you may choose."
            self.fields["expires"].widget.attrs["max"] = latest.date().isoformat()

    def clean_access_scope(self) -> str:
        return self.cleaned_data["access_scope"] or ApiToken.AccessScope.FULL

    def clean_expires(self) -> date | None:
        expires: date | None = self.cleaned_data["expires"]
        if expires and expires < clock.now().date():
            raise forms.ValidationError("Choose a day that is not over yet.")
        return expires

    @property
    def expires_at(self) -> datetime | None:
        """The end of the last day, but on the last possible day not later than possible."""
        expires: date | None = self.cleaned_data["expires"]
        if expires is None:
            return None
        end = datetime.combine(expires + timedelta(days=1), time.min, get_current_timezone())
        latest = clock.now() + self.longest_life if self.longest_life else end
        return latest if latest < end and latest.date() == expires else end
