"""What forms of pages have in common."""

from django import forms

from common.errors import DomainError, FieldsRefused

TEXT = {"class": "form-control", "autocomplete": "off"}
SELECT = {"class": "form-select"}


def show_error(form: forms.Form, error: DomainError) -> None:
    """Put a refusal beside the field that it names."""
    if isinstance(error, FieldsRefused):
        for field, faults in error.faults.items():
            for fault in faults:
                form.add_error(field if field in form.fields else None, fault.message)
    else:
        form.add_error(error.field if error.field in form.fields else None, error.message)
