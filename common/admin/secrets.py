"""Form fields for secrets: they go in and never come out."""

from typing import Any

from django import forms

KEEP = "Leave blank to keep what is stored."


class SecretInput(forms.PasswordInput):
    """Shows nothing of what is stored."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password"}, render_value=False)


class SecretTextarea(forms.Textarea):
    """For secrets of several lines; shows nothing of what is stored."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, "", {**(attrs or {}), "autocomplete": "off", "spellcheck": "false"})


class SecretField(forms.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "required": False, "strip": False, "help_text": KEEP})

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)


class SecretsKeptForm(forms.ModelForm):  # type: ignore[type-arg]
    """A blank secret means "as it is"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self._secrets():
            self.initial.pop(name, None)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in self._secrets():
            if not cleaned.get(name):
                # A field that is not in the cleaned data is not written to the instance.
                cleaned.pop(name, None)
        return cleaned

    def _secrets(self) -> list[str]:
        return [name for name, field in self.fields.items() if isinstance(field, SecretField)]
