"""Forms of the pages of datasets."""

import json
from typing import Any

from django import forms

from common.web.forms import CHECK, CODE, SELECT, TEXT
from datastores.models import Dataset, DatasetVersion

LONGEST_NAME = 128


class DatasetForm(forms.Form):
    name = forms.CharField(max_length=LONGEST_NAME, widget=forms.TextInput(CODE))
    notes = forms.CharField(
        required=False, max_length=20_000, widget=forms.Textarea({**TEXT, "rows": "3"}), label="Notes"
    )
    for_every_project = forms.BooleanField(
        required=False,
        widget=forms.CheckboxInput(CHECK),
        label="For every project of the owner, not only this one",
    )

    def __init__(self, data: Any = None, *, may_share: bool) -> None:
        super().__init__(data)
        if not may_share:
            del self.fields["for_every_project"]

    def clean(self) -> dict[str, Any]:
        return {"for_every_project": False, **(super().clean() or {})}


class DescriptionForm(forms.Form):
    """What may be said of a dataset or a version."""

    tags = forms.CharField(
        required=False, widget=forms.TextInput(TEXT), help_text="Separated by commas.", max_length=4000
    )
    properties = forms.CharField(
        required=False,
        widget=forms.Textarea({**CODE, "rows": "5"}),
        help_text='One JSON object, such as {"source": "camera 7"}.',
    )
    notes = forms.CharField(required=False, widget=forms.Textarea({**TEXT, "rows": "4"}), max_length=20_000)

    @staticmethod
    def initial_of(row: Dataset | DatasetVersion) -> dict[str, str]:
        shown = json.dumps(row.properties, indent=2, ensure_ascii=False) if row.properties else ""
        return {"tags": ", ".join(row.tags), "properties": shown, "notes": row.notes}

    def clean_properties(self) -> dict[str, Any]:
        text = self.cleaned_data["properties"].strip()
        try:
            found = json.loads(text) if text else {}
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"The properties are no JSON: {error}.") from None
        if not isinstance(found, dict):
            raise forms.ValidationError("The properties must be one JSON object.")
        return found

    def given(self) -> dict[str, Any]:
        """As the services take it."""
        tags = [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]
        return {
            "tags": tags,
            "properties": self.cleaned_data["properties"],
            "notes": self.cleaned_data["notes"],
        }


class AliasForm(forms.Form):
    name = forms.CharField(max_length=LONGEST_NAME)
    version = forms.CharField(max_length=LONGEST_NAME, widget=forms.Select(SELECT))
