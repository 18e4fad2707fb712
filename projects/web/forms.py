"""Forms of project pages. They read what was sent; what it means and whether it is allowed, services decide."""

from collections.abc import Iterable
from typing import Any

from django import forms

from common.web.forms import CHECK, CODE, SELECT, TEXT
from projects.models import Project
from projects.web.choices import OwnerChoices


class ProjectForm(forms.Form):
    name = forms.CharField(
        max_length=64,
        widget=forms.TextInput({**TEXT, "placeholder": "churn-model", "spellcheck": "false"}),
        help_text="Letters, digits, hyphens and underscores.",
    )
    owner = forms.ChoiceField(
        widget=forms.Select(SELECT),
        help_text="What belongs to a team is seen by its members and by the owners of the organization.",
    )
    description = forms.CharField(required=False, max_length=4000, widget=forms.Textarea({**TEXT, "rows": 2}))

    def __init__(self, data: Any = None, *, owners: OwnerChoices, owner: str = "") -> None:
        super().__init__(data, initial={"owner": owner}, auto_id="project-%s")
        self.fields["owner"].choices = owners  # type: ignore[attr-defined]

    @property
    def has_one_owner(self) -> bool:
        """Then there is nothing to choose."""
        choices = self.fields["owner"].choices  # type: ignore[attr-defined]
        return sum(len(group) for _, group in choices) == 1


class TransferForm(forms.Form):
    owner = forms.ChoiceField(label="New owner", widget=forms.Select(SELECT))
    confirm = forms.CharField(widget=forms.TextInput(CODE))

    def __init__(self, data: Any = None, *, owners: OwnerChoices, expected: str) -> None:
        super().__init__(data, auto_id="transfer-%s")
        self._expected = expected
        self.fields["owner"].choices = [("", "Choose…"), *owners] if owners else []  # type: ignore[attr-defined]
        self.fields["confirm"].label = f"Type {expected} to confirm"

    def clean_confirm(self) -> str:
        confirm: str = self.cleaned_data["confirm"]
        if confirm != self._expected:
            raise forms.ValidationError(f"Type {self._expected}, exactly.")
        return confirm


ACCESS_CHOICES = [
    ("member", "Works: runs executions, uploads and edits"),
    ("viewer", "Only looks"),
]


class AccessForm(forms.Form):
    access = forms.ChoiceField(
        choices=ACCESS_CHOICES, label="What they may do", widget=forms.Select(SELECT), initial="member"
    )

    @property
    def is_read_only(self) -> bool:
        return bool(self.cleaned_data["access"] == "viewer")


class InviteForm(AccessForm):
    email = forms.CharField(
        max_length=254,
        label="E-mail address",
        widget=forms.EmailInput({**TEXT, "placeholder": "colleague@example.com"}),
    )
    field_order = ("email", "access")

    @property
    def given(self) -> dict[str, Any]:
        return {"email": self.cleaned_data["email"], "is_read_only": self.is_read_only}


class AddMemberForm(AccessForm):
    user = forms.CharField(
        max_length=64,
        label="User name",
        widget=forms.TextInput({**TEXT, "list": "colleagues", "spellcheck": "false"}),
    )
    field_order = ("user", "access")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="add-%s")


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
