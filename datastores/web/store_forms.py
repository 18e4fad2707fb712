"""The form of a store of one kind."""

from collections.abc import Iterable
from typing import Any

from django import forms

from common.configuration import Configuration
from common.web.configuration import configuration_fields
from common.web.forms import CHECK, SELECT, TEXT
from datastores.connecting import RIGHTS
from datastores.kinds import HIDDEN, KEYS
from datastores.models import DataStore
from organizations.models import Team

FOR_ALL, FOR_TEAMS = DataStore.AccessMode.OWNER_ORGANIZATION, DataStore.AccessMode.TEAMS


class StoreForm(forms.Form):
    """With `teams`, also who in the organization may use it; without, it is for one project."""

    name = forms.CharField(max_length=64, widget=forms.TextInput(TEXT))
    access_mode = forms.ChoiceField(
        label="Who may use it",
        choices=[(FOR_ALL, "Everybody in the organization"), (FOR_TEAMS, "Some teams only")],
        widget=forms.Select(SELECT),
    )
    teams = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple(CHECK))
    allow_read = forms.BooleanField(
        required=False, label="Runs may read files by their address", widget=forms.CheckboxInput(CHECK)
    )
    allow_write = forms.BooleanField(
        required=False, label="Runs and people may store files", widget=forms.CheckboxInput(CHECK)
    )
    allow_adopt = forms.BooleanField(
        required=False, label="Files that are there already may be adopted", widget=forms.CheckboxInput(CHECK)
    )
    allow_uri_download = forms.BooleanField(
        required=False,
        label="People may download files by their address, adopted or not",
        widget=forms.CheckboxInput(CHECK),
    )

    def __init__(
        self, data: Any, *, kind: str, store: DataStore | None = None, teams: Iterable[Team] | None = None
    ) -> None:
        stored = Configuration.stored(store.configuration, store.credentials) if store else None
        super().__init__(data, initial=_initial(store))
        self.keys = [key for key in KEYS[kind] if key.name not in HIDDEN]
        if teams is None:
            del self.fields["access_mode"], self.fields["teams"]
        else:
            self.fields["teams"].choices = [(str(team.pk), team.name) for team in teams]  # type: ignore[attr-defined]
        self.fields.update(configuration_fields(self.keys, stored))

    def basic_fields(self) -> list[forms.BoundField]:
        own = {key.name for key in self.keys}
        return [self[name] for name in self.fields if name not in own and name not in RIGHTS]

    def configuration_fields(self) -> list[forms.BoundField]:
        return [self[key.name] for key in self.keys]

    def right_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in RIGHTS]

    def configuration(self, store: DataStore | None = None) -> dict[str, Any]:
        """What the services take: an empty secret is left out, so that the stored one stays; what the form does not show
        stays as it is."""
        given = self.cleaned_data
        kept = {
            name: value for name, value in (store.configuration if store else {}).items() if name in HIDDEN
        }
        return kept | {
            key.name: given[key.name] for key in self.keys if given[key.name] != "" or not key.secret
        }

    def rights(self) -> dict[str, bool]:
        return {name: self.cleaned_data[name] for name in RIGHTS}


def _initial(store: DataStore | None) -> dict[str, Any]:
    if store is None:
        return {"allow_read": True, "allow_write": True}
    return {
        "name": store.name,
        "access_mode": store.access_mode,
        "teams": [str(team.pk) for team in store.teams.all()],
        **{name: getattr(store, name) for name in RIGHTS},
        **store.configuration,
    }
