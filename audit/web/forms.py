"""The filter above a log."""

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator
from django.utils.timezone import get_current_timezone

from audit.types import Wanted
from common.web.forms import SELECT, TEXT

DAY = {**TEXT, "type": "date"}
_LONGEST_TEXT = 200
_KIND = re.compile(r"[a-z_]{1,64}(\.[a-z_]{1,64})?\Z")
_LAST_DAY = MaxValueValidator(date(2999, 12, 31))


class FilterForm(forms.Form):
    """Days are whole, and both ends belong to what is shown."""

    text = forms.CharField(
        required=False,
        max_length=_LONGEST_TEXT,
        label="Search",
        widget=forms.TextInput(
            {**TEXT, "type": "search", "placeholder": "Find in events", "data-search": ""}
        ),
    )
    kind = forms.ChoiceField(required=False, label="Event", widget=forms.Select(SELECT))
    actor = forms.CharField(
        required=False,
        max_length=64,
        label="Who",
        widget=forms.TextInput({**TEXT, "placeholder": "Anybody", "spellcheck": "false"}),
    )
    project = forms.CharField(
        required=False,
        max_length=160,
        label="Project",
        widget=forms.TextInput({**TEXT, "placeholder": "Any project", "list": "audit-projects"}),
    )
    since = forms.DateField(required=False, label="From", validators=[_LAST_DAY], widget=forms.DateInput(DAY))
    until = forms.DateField(required=False, label="To", validators=[_LAST_DAY], widget=forms.DateInput(DAY))

    def __init__(self, data: Any, *, kinds: Iterable[str]) -> None:
        super().__init__(data, auto_id="audit-%s")
        asked = str(data.get("kind", ""))
        offered = {*kinds, *([asked] if _KIND.match(asked) else [])}  # an older kind can be asked for, too
        self.fields["kind"].choices = _grouped(offered)  # type: ignore[attr-defined]

    @property
    def wanted(self) -> Wanted:
        """What was typed, as far as it can be understood."""
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value}
        since, until = given.pop("since", None), given.pop("until", None)
        return Wanted(
            since=_midnight(since) if since else None,
            until=_midnight(until + timedelta(days=1)) if until else None,
            **given,
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, get_current_timezone())


def _grouped(kinds: Iterable[str]) -> list[Any]:
    """By the thing that they happen to; each thing can be chosen as a whole."""
    choices: list[Any] = [("", "All events")]
    for thing, members in groupby(sorted(kinds), key=lambda kind: kind.partition(".")[0]):
        label = thing.replace("_", " ")
        each = [(kind, _words(kind)) for kind in members if "." in kind]
        choices.append((label.capitalize(), [(thing, f"Any of {label}"), *each]))
    return choices


def _words(kind: str) -> str:
    return kind.replace(".", " ").replace("_", " ")
