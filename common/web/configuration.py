"""Form fields of a configuration with a secret half, see `common.configuration`."""

from collections.abc import Iterable, Mapping

from django import forms

from common.configuration import Configuration, Key
from common.web.forms import CHECK, CODE


def configuration_fields(keys: Iterable[Key], stored: Configuration | None) -> Mapping[str, forms.Field]:
    """One field a key. Secrets are never put into the page: an empty field keeps what is stored."""
    return {key.name: _field_of(key, stored) for key in keys}


def _field_of(key: Key, stored: Configuration | None) -> forms.Field:
    kept = stored is not None and key.name in stored.secrets
    hint = "Stored. Leave the field empty to keep it." if kept else key.hint
    label = key.label[0].upper() + key.label[1:]
    if key.boolean:
        return forms.BooleanField(
            required=False, label=label, help_text=hint, widget=forms.CheckboxInput(CHECK)
        )
    attributes = {**CODE, "autocomplete": "new-password"} if key.secret else CODE
    widget: forms.Widget = forms.TextInput(attributes)
    if key.multiline:
        widget = forms.Textarea({**attributes, "rows": 4})
    elif key.secret:
        widget = forms.PasswordInput(attributes)
    required = key.required and not kept
    return forms.CharField(
        required=required,
        label=label,
        help_text=hint,
        max_length=16384,
        strip=not key.multiline,
        widget=widget,
    )
