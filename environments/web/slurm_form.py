"""The form of a Slurm environment: what its jobs ask of the cluster, beside what every environment has."""

from typing import Any

from django import forms

from common.web.forms import CODE, TEXT
from environments.models import Environment
from environments.web.forms import NUMBER, EnvironmentForm, FieldGroup
from peon.protocol.slurm_options import EXTRA, NAMES, NUMBERS

_PREFIX = "slurm_"


def _name(label: str, hint: str = "", placeholder: str = "") -> forms.CharField:
    widget = forms.TextInput({**CODE, "placeholder": placeholder})
    return forms.CharField(required=False, max_length=256, label=label, help_text=hint, widget=widget)


def _number(label: str, hint: str = "") -> forms.IntegerField:
    return forms.IntegerField(required=False, label=label, help_text=hint, widget=forms.TextInput(NUMBER))


class SlurmEnvironmentForm(EnvironmentForm):
    """Empty fields are left to the cluster's own defaults."""

    slurm_partition = _name("Partition", "Empty: the cluster's default.", "gpu")
    slurm_account = _name("Account", "Whom the cluster charges.")
    slurm_qos = _name("QOS")
    slurm_gres = _name("Devices (gres)", "A step's own devices count instead.", "gpu:1")
    slurm_cpus = _number("Cores", "Of a job that asks for none itself.")
    slurm_memory_mb = _number("Memory, MB", "Of a job that asks for none itself.")
    slurm_time_limit_minutes = _number(
        "Longest time, minutes", "An execution with a limit of its own asks for that and ten minutes more."
    )
    slurm_constraint = _name("Constraint", "Features that the node must have.", "a100|h100")
    slurm_reservation = _name("Reservation")
    slurm_extra = forms.CharField(
        required=False, label="Further arguments of sbatch", help_text="One a line.",
        widget=forms.Textarea({**TEXT, "rows": 2, "placeholder": "--exclusive"}),
    )  # fmt: skip

    @classmethod
    def initial_of(cls, environment: Environment) -> dict[str, Any]:
        given = environment.dispatch
        values = {_PREFIX + name: given.get(name, "") for name in (*NAMES, *NUMBERS)}
        return (
            EnvironmentForm.initial_of(environment)
            | values
            | {_PREFIX + EXTRA: "\n".join(given.get(EXTRA, []))}
        )

    @property
    def groups(self) -> list[FieldGroup]:
        own = [name for name in self.fields if name.startswith(_PREFIX)]
        return [*super().groups, FieldGroup("What its Slurm jobs ask for", [self[name] for name in own])]

    def values(self) -> dict[str, Any]:
        given = super().values()
        own = {
            name.removeprefix(_PREFIX): given.pop(name) for name in list(given) if name.startswith(_PREFIX)
        }
        lines = [line.strip() for line in own.pop(EXTRA).splitlines() if line.strip()]
        asked = {name: value for name, value in own.items() if value not in ("", None)}
        return given | {"dispatch": asked | ({EXTRA: lines} if lines else {})}


def form_class_for(environment: Environment) -> type[EnvironmentForm]:
    return SlurmEnvironmentForm if environment.is_dispatched else EnvironmentForm
