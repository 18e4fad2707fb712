"""What every form has in common: how fields look, and how a refusal of a service is shown beside its field."""

from django import forms

from common.errors import DomainError, FieldsRefused

TEXT = {"class": "form-control", "autocomplete": "off"}
CODE = {"class": "form-control mono", "autocomplete": "off", "spellcheck": "false"}
CHECK = {"class": "form-check-input"}
SELECT = {"class": "form-select"}


def show_error(form: forms.Form, error: DomainError) -> None:
    """Put a refusal beside the field that it names."""
    if isinstance(error, FieldsRefused):
        for field, faults in error.faults.items():
            for fault in faults:
                form.add_error(field if field in form.fields else None, fault.message)
    else:
        form.add_error(error.field if error.field in form.fields else None, error.message)
