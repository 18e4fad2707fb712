"""Forms of an organization's environments and registries. What is allowed, the services decide."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms

from common.configuration import Configuration
from common.web.configuration import configuration_fields
from common.web.forms import CHECK, CODE, SELECT, TEXT
from environments import registries
from environments.models import Environment, RegistryCredentials
from environments.mounts import MountRefused, rules_from_text, text_of
from environments.types import SLURM
from organizations.models import Organization, Team
from organizations.references import member_in, team_in

NUMBER = {**TEXT, "inputmode": "numeric"}
GROUPS = (
    ("What it is", ("name", "default_image", "gpu_spec", "per_hour_price_usd", "description", "has_gpu", "supports_priority")),
    ("Who may use it", ("enabled", "team", "member", "restricted_to_teams", "allow_personal_usage")),
    ("How many at once", ("per_user_queue_quota", "max_running")),
    ("What jobs may mount", ("mount_rules", "requires_mounts")),
    ("Machines", ("scale_min", "scale_max", "scale_down_grace_period", "requires_enrolled_workers", "agents_update")),
)  # fmt: skip
"""Headings of the form and the fields below them."""


@dataclass(frozen=True)
class FieldGroup:
    title: str
    fields: list[forms.BoundField]

    @property
    def beside(self) -> list[forms.BoundField]:
        """Short ones, several in a row."""
        return [field for field in self.fields if field not in self.below]

    @property
    def below(self) -> list[forms.BoundField]:
        """Those that take a line of their own."""
        own_line = (forms.Textarea, forms.CheckboxInput)
        return [field for field in self.fields if isinstance(field.field.widget, own_line)]


def _number(label: str, hint: str) -> forms.IntegerField:
    return forms.IntegerField(label=label, help_text=hint, widget=forms.TextInput(NUMBER))


def _check(label: str, hint: str = "") -> forms.BooleanField:
    return forms.BooleanField(required=False, label=label, help_text=hint, widget=forms.CheckboxInput(CHECK))


def scale_fields() -> tuple[forms.IntegerField, forms.IntegerField, forms.IntegerField]:
    """Minimum, maximum and grace period."""
    return (
        _number("Least machines", "Kept running without work."),
        _number("Most machines", "Jobs beyond them wait."),
        _number("Grace period, minutes", "How long a machine waits for work before it ends."),
    )


class EnvironmentForm(forms.Form):
    name = forms.CharField(max_length=128, widget=forms.TextInput(TEXT))
    description = forms.CharField(required=False, max_length=4000, widget=forms.Textarea({**TEXT, "rows": 2}))
    default_image = forms.CharField(
        required=False, max_length=255, widget=forms.TextInput(CODE), help_text="For steps that name none."
    )
    has_gpu = _check("The machines have GPUs")
    gpu_spec = forms.CharField(
        required=False, max_length=128, label="GPUs",
        widget=forms.TextInput({**TEXT, "placeholder": "1 x NVIDIA L4, 24 GB"}),
    )  # fmt: skip
    per_hour_price_usd = forms.DecimalField(
        label="Price per hour, US dollars", widget=forms.TextInput({**TEXT, "inputmode": "decimal"}),
        help_text="0: it costs nothing. Kept with each execution when it is created.",
    )  # fmt: skip
    supports_priority = _check("Executions may ask for priority")
    enabled = _check("Enabled", "Switched off, no new execution can choose it. Those that wait or run go on.")
    team = forms.ChoiceField(
        required=False, label="Belongs to the team", widget=forms.Select(SELECT),
        help_text="Then nobody else may use it.",
    )  # fmt: skip
    member = forms.CharField(
        required=False, max_length=64, label="Belongs to the member",
        widget=forms.TextInput({**CODE, "placeholder": "user name"}), help_text="Then nobody else may use it.",
    )  # fmt: skip
    restricted_to_teams = _check(
        "Only for teams that have a place in it", "Give teams their places below, once it is saved."
    )
    allow_personal_usage = _check(
        "Members may use it in personal projects", "Else only in projects of the organization."
    )
    per_user_queue_quota = _number("Per user", "Executions at once of one user. 0: no limit.")
    max_running = _number("In all", "Executions at once of everybody. 0: no limit.")
    mount_rules = forms.CharField(
        required=False, max_length=20_000, label="Mounts",
        widget=forms.Textarea({**CODE, "rows": 3, "placeholder": "/data/**\nnfs://files.example.com/scratch/** rw"}),
        help_text="Patterns of host directories, NFS and SMB shares, one a line; jobs can read there, and write with rw "
        "behind it. Workers must allow mounts as well (ALLOW_MOUNTS).",
    )  # fmt: skip
    requires_mounts = _check("A run ends when a mount is refused", "Else it goes on without it, and says so.")
    scale_min, scale_max, scale_down_grace_period = scale_fields()

    agents_update = _check(
        "Agents update themselves", "Between jobs, to the version that comes with the installation."
    )
    requires_enrolled_workers = _check(
        "Only enrolled workers", "Agents that were set up with the address of Redis alone get no jobs."
    )

    def __init__(
        self, data: Any, *, organization: Organization, teams: Iterable[Team], **options: Any
    ) -> None:
        super().__init__(data, **options)
        self.organization = organization
        self.fields["team"].choices = [  # type: ignore[attr-defined]
            ("", "No team"),
            *((str(team.pk), team.name) for team in teams),
        ]

    @classmethod
    def initial_of(cls, environment: Environment) -> dict[str, Any]:
        values = {name: getattr(environment, name) for name in EnvironmentForm.base_fields}
        price = environment.per_hour_price_usd.normalize()
        return values | {
            "team": str(environment.team_id) if environment.team_id else "",
            "member": environment.member.username if environment.member else "",
            "per_hour_price_usd": f"{price:f}",
            "mount_rules": text_of(environment.rules_of_mounts),
        }

    def clean_mount_rules(self) -> list[dict[str, Any]]:
        try:
            return [rule.as_json() for rule in rules_from_text(self.cleaned_data["mount_rules"])]
        except MountRefused as refused:
            raise forms.ValidationError(str(refused)) from None

    @property
    def groups(self) -> list[FieldGroup]:
        return [FieldGroup(title, [self[name] for name in names]) for title, names in GROUPS]

    def values(self) -> dict[str, Any]:
        """What the services take. Raises `ReferenceRefused`."""
        given = dict(self.cleaned_data)
        given["team"] = team_in(self.organization, given["team"]) if given["team"] else None
        given["member"] = member_in(self.organization, given["member"]) if given["member"] else None
        return given


class NewEnvironmentForm(EnvironmentForm):
    kind = forms.ChoiceField(
        required=False, label="Its jobs run on", choices=[("vm", "Machines with worker agents"), (SLURM, "A Slurm cluster")],
        widget=forms.Select(SELECT), help_text="What jobs ask of Slurm is set once it is created.",
    )  # fmt: skip
    slug = forms.CharField(
        max_length=128, widget=forms.TextInput(CODE),
        help_text="What valohai.yaml and the command line call it. It cannot be changed later.",
    )  # fmt: skip
    queue_name = forms.CharField(
        required=False, max_length=128, label="Queue", widget=forms.TextInput(CODE),
        help_text="What its workers are set up to serve. Empty: the slug. It cannot be changed later.",
    )  # fmt: skip

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or "vm"

    @property
    def groups(self) -> list[FieldGroup]:
        return [
            FieldGroup("How it is called", [self["slug"], self["queue_name"], self["kind"]]),
            *super().groups,
        ]


class QuotaForm(forms.Form):
    """The place of one team, in its row."""

    NONE, UNLIMITED, LIMITED = "none", "unlimited", "limited"

    place = forms.ChoiceField(choices=[(NONE, "No place"), (UNLIMITED, "No limit"), (LIMITED, "At most")])
    quota = forms.IntegerField(required=False)

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("place") == self.LIMITED and given.get("quota") is None and "quota" not in self.errors:
            self.add_error("quota", "Enter how many executions at once the team may have; 0 blocks it.")
        return given


class RegistryForm(forms.Form):
    """For credentials of one kind."""

    image_pattern = forms.CharField(
        max_length=registries.LONGEST_PATTERN, label="Images",
        widget=forms.TextInput({**CODE, "placeholder": "docker.io/acme/*"}),
        help_text="Name of an image with its whole host; * stands for any characters. The most specific pattern wins.",
    )  # fmt: skip

    def __init__(self, data: Any, *, kind: str, registry: RegistryCredentials | None = None) -> None:
        stored = Configuration.stored(registry.configuration, registry.secrets) if registry else None
        initial = {"image_pattern": registry.image_pattern, **registry.configuration} if registry else {}
        super().__init__(data, initial=initial)
        self.kind = kind
        self.keys = [key for key in registries.KEYS[kind] if key is not registries.VERSION]
        self.fields.update(configuration_fields(self.keys, stored))

    def configuration(self) -> dict[str, Any]:
        """What the services take: an empty secret is left out, so that the stored one stays."""
        given = self.cleaned_data
        return {key.name: given[key.name] for key in self.keys if given[key.name] != "" or not key.secret}
