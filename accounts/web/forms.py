"""Forms of the login and token pages."""

from datetime import date, datetime, time, timedelta

from django import forms
from django.utils.timezone import get_current_timezone

from common import clock


class LoginForm(forms.Form):
    username = forms.CharField(
        max_length=254,
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "autocomplete": "username",
                "autocapitalize": "none",
                "autofocus": True,
            }
        ),
    )
    password = forms.CharField(
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "current-password"}),
    )


class TokenForm(forms.Form):
    """A new API token. `expires` is the last day on which it works."""

    name = forms.CharField(
        max_length=100,
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "placeholder": "What will use it? For example: laptop",
                "autocomplete": "off",
            }
        ),
    )
    expires = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"class": "form-control", "type": "date"}),
        help_text="Empty: it works until you revoke it.",
    )

    def clean_expires(self) -> date | None:
        expires: date | None = self.cleaned_data["expires"]
        if expires and expires < clock.now().date():
            raise forms.ValidationError("Choose a day that is not over yet.")
        return expires

    @property
    def expires_at(self) -> datetime | None:
        expires: date | None = self.cleaned_data["expires"]
        if expires is None:
            return None
        return datetime.combine(expires + timedelta(days=1), time.min, get_current_timezone())
