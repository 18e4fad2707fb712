"""Forms of project pages. They read what was sent; what it means and whether it is allowed, services decide."""

from collections.abc import Iterable
from typing import Any

from django import forms

from common.web.forms import CHECK, CODE, SELECT, TEXT
from projects.models import Project


class ProjectForm(forms.Form):
    name = forms.CharField(
        max_length=64,
        widget=forms.TextInput({**TEXT, "placeholder": "churn-model", "spellcheck": "false"}),
        help_text="Letters, digits, hyphens and underscores.",
    )
    owner = forms.ChoiceField(widget=forms.Select(SELECT))
    description = forms.CharField(required=False, max_length=4000, widget=forms.Textarea({**TEXT, "rows": 2}))

    def __init__(self, data: Any = None, *, owners: Iterable[str]) -> None:
        names = list(owners)
        # One's own name comes last among the options; it is the natural first choice.
        super().__init__(data, initial={"owner": names[-1]}, auto_id="project-%s")
        self.fields["owner"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


class GeneralForm(forms.Form):
    name = forms.CharField(max_length=64, widget=forms.TextInput({**TEXT, "spellcheck": "false"}))
    description = forms.CharField(required=False, max_length=4000, widget=forms.Textarea({**TEXT, "rows": 3}))
    default_environment_slug = forms.ChoiceField(
        required=False,
        label="Default environment",
        widget=forms.Select(SELECT),
        help_text="New executions start here unless the step or the form says otherwise.",
    )
    yaml_path = forms.CharField(
        max_length=255,
        label="Configuration file",
        widget=forms.TextInput(CODE),
        help_text="Path in the repository. Fetch again after a change.",
    )

    def __init__(self, data: Any = None, *, environments: Iterable[tuple[str, str]], **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["default_environment_slug"].choices = [  # type: ignore[attr-defined]
            ("", "The installation's default"), *environments,
        ]  # fmt: skip


class RepositoryForm(forms.Form):
    """Secrets are write-only: an empty field keeps what is stored."""

    url = forms.CharField(
        max_length=1024,
        label="Address",
        widget=forms.TextInput({**CODE, "placeholder": "https://git.example.com/team/code.git"}),
        help_text="https://…, git@host:team/code.git, or ssh://….",
    )
    fetch_reference = forms.CharField(
        max_length=1024,
        label="References to fetch",
        widget=forms.TextInput(CODE),
        help_text="Branch and tag names or wildcards, comma separated: main, release/*.",
    )
    access_token = forms.CharField(
        required=False,
        max_length=4096,
        label="Access token, for https",
        widget=forms.PasswordInput({**CODE, "autocomplete": "new-password"}),
    )
    private_key = forms.CharField(
        required=False,
        max_length=32768,
        label="Private key, for ssh",
        widget=forms.Textarea({**CODE, "rows": 3, "placeholder": "-----BEGIN OPENSSH PRIVATE KEY-----"}),
        help_text="OpenSSH or PEM, without a passphrase. Stored encrypted and never shown again.",
    )
    forget_token = forms.BooleanField(
        required=False, label="Remove the stored token", widget=forms.CheckboxInput(CHECK)
    )
    forget_key = forms.BooleanField(
        required=False, label="Remove the stored key", widget=forms.CheckboxInput(CHECK)
    )
    lfs_enabled = forms.BooleanField(
        required=False, label="Fetch files that are stored with Git LFS", widget=forms.CheckboxInput(CHECK)
    )

    @property
    def secrets(self) -> dict[str, str | None]:
        """What the service takes: None keeps what is stored, an empty text removes it."""
        given = self.cleaned_data
        return {
            "access_token": given["access_token"] or ("" if given["forget_token"] else None),
            "private_key": given["private_key"] or ("" if given["forget_key"] else None),
        }


class GroupForm(forms.Form):
    """A group of variables: its name, and the projects of its organization that inherit them."""

    name = forms.CharField(max_length=128, widget=forms.TextInput(TEXT))
    description = forms.CharField(required=False, max_length=4000, widget=forms.Textarea({**TEXT, "rows": 2}))
    projects = forms.MultipleChoiceField(
        required=False,
        label="Assigned to",
        widget=forms.CheckboxSelectMultiple(CHECK),
        help_text="Executions of these projects inherit the variables, and may ask for the group.",
    )

    def __init__(self, data: Any = None, *, projects: Iterable[Project], **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["projects"].choices = [  # type: ignore[attr-defined]
            (str(project.pk), project.name) for project in projects
        ]


class VariableForm(forms.Form):
    name = forms.CharField(max_length=128, widget=forms.TextInput({**CODE, "placeholder": "NAME"}))
    value = forms.CharField(
        required=False, strip=False, widget=forms.Textarea({**CODE, "rows": 1, "placeholder": "value"})
    )
    secret = forms.BooleanField(
        required=False, label="Secret: never shown again", widget=forms.CheckboxInput(CHECK)
    )
