"""Forms of the pages about organizations. They parse what was typed; services decide."""

from collections.abc import Iterable
from typing import Any

from django import forms

from common.web.forms import CHECK, SELECT, TEXT
from organizations.models import Organization, OrganizationMembership, Team

Role = OrganizationMembership.Role
ROLE_LABELS = (
    (Role.OWNER, "Owner: decides on members, teams and settings"),
    (Role.MEMBER, "Member: runs and edits"),
    (Role.VIEWER, "Viewer: sees all, changes nothing"),
)
NAME = {**TEXT, "spellcheck": "false", "autocapitalize": "none"}


class OrganizationForm(forms.Form):
    name = forms.CharField(
        max_length=64,
        widget=forms.TextInput({**NAME, "placeholder": "acme", "autofocus": True}),
        help_text="Letters, digits and '-'. It begins the addresses of the organization's projects and cannot be "
        "changed later.",
    )


class SettingsForm(forms.Form):
    require_2fa = forms.BooleanField(
        required=False,
        label="Require two-factor authentication",
        widget=forms.CheckboxInput(CHECK),
        help_text="Members without a second factor reach nothing of the organization until they have set one up.",
    )
    max_token_lifetime_days = forms.IntegerField(
        required=False,
        label="Longest life of API tokens, in days",
        widget=forms.NumberInput({**TEXT, "min": 1}),
        help_text="Tokens of members that are older no longer work. Empty: no limit.",
    )
    forbid_personal_projects = forms.BooleanField(
        required=False,
        label="Forbid personal projects",
        widget=forms.CheckboxInput(CHECK),
        help_text="Members create projects in the organization only.",
    )
    forbid_public_stores = forms.BooleanField(
        required=False,
        label="Forbid public data stores",
        widget=forms.CheckboxInput(CHECK),
        help_text="Projects of the organization do not use stores that are open to everybody.",
    )
    auto_accept_invitations = forms.BooleanField(
        required=False,
        label="Accept invitations automatically",
        widget=forms.CheckboxInput(CHECK),
        help_text="Whoever has an account that has proved the invited address is a member at once.",
    )
    default_environment_slug = forms.ChoiceField(
        required=False,
        label="Default environment of new projects",
        widget=forms.Select(SELECT),
    )
    default_store_id = forms.TypedChoiceField(
        required=False,
        label="Default data store of new projects",
        widget=forms.Select(SELECT),
        empty_value=None,
    )
    default_debug_port = forms.IntegerField(
        required=False,
        label="Default port of remote debugging",
        widget=forms.NumberInput({**TEXT, "min": 1024, "max": 65535}),
        help_text="1024 to 65535.",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        organization: Organization,
        environments: Iterable[tuple[str, str]],
        stores: Iterable[tuple[str, str]],
    ) -> None:
        initial = {name: getattr(organization, name) for name in self.base_fields}
        initial["default_store_id"] = str(initial["default_store_id"] or "")
        super().__init__(data, initial=initial)
        self._offer("default_environment_slug", "The installation's default", environments)
        self._offer("default_store_id", "The installation's store", stores)

    def _offer(self, name: str, nothing: str, found: Iterable[tuple[str, str]]) -> None:
        """What is set now stays among the choices, whoever may see it."""
        choices = [("", nothing), *found]
        current = self.initial[name]
        if current not in dict(choices):
            choices.append((current, f"{current} (not available)"))
        self.fields[name].choices = choices  # type: ignore[attr-defined]


class InvitationForm(forms.Form):
    email = forms.CharField(
        max_length=254,
        label="E-mail address",
        widget=forms.EmailInput({**TEXT, "placeholder": "colleague@example.com"}),
    )
    role = forms.ChoiceField(choices=ROLE_LABELS, initial=Role.MEMBER, widget=forms.Select(SELECT))
    teams = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple(CHECK))

    def __init__(self, data: Any = None, *, teams: Iterable[Team]) -> None:
        super().__init__(data)
        self.fields["teams"].choices = [(str(team.pk), team.name) for team in teams]  # type: ignore[attr-defined]


class TeamForm(forms.Form):
    name = forms.CharField(max_length=64, widget=forms.TextInput({**TEXT, "placeholder": "vision"}))


class TeamMemberForm(forms.Form):
    username = forms.CharField(
        max_length=64,
        label="Username",
        widget=forms.TextInput({**NAME, "list": "people", "placeholder": "name"}),
    )
    is_read_only = forms.BooleanField(required=False, label="Read-only", widget=forms.CheckboxInput(CHECK))
    allow_project_administration = forms.BooleanField(
        required=False, label="Project administration", widget=forms.CheckboxInput(CHECK)
    )


class SignUpForm(forms.Form):
    """A new account for somebody who was invited; the address is the one that the letter went to."""

    username = forms.CharField(
        max_length=64,
        widget=forms.TextInput({**NAME, "autocomplete": "username", "autofocus": True}),
        help_text="It begins the addresses of your projects and cannot be changed later.",
    )
    password = forms.CharField(
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput({**TEXT, "autocomplete": "new-password"}),
    )
