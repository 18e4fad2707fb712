"""Shapes of environments, quotas and registries: of requests, and of answers for the API's own documentation."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from common.rest.fields import ReferenceField
from environments.autoscaling.types import DecisionKind
from environments.models import RegistryCredentials

_LARGEST = 2**31 - 1  # what the column holds; what makes sense, the service says


class EnvironmentOwner(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class EnvironmentTeam(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class MountRuleShape(serializers.Serializer[Any]):
    pattern = serializers.CharField(
        max_length=1024, help_text="`/data/**`, `nfs://server/export/*`, `smb://server/share`"
    )
    writable = serializers.BooleanField(default=False)


class SlurmSettings(serializers.Serializer[Any]):
    """What the Slurm jobs of an environment ask for. What is absent, the cluster decides. Checked by the service."""

    partition = serializers.CharField(required=False)
    account = serializers.CharField(required=False)
    qos = serializers.CharField(required=False)
    constraint = serializers.CharField(required=False)
    reservation = serializers.CharField(required=False)
    gres = serializers.CharField(required=False, help_text="such as gpu:1; a job's own devices count instead")
    cpus = serializers.IntegerField(required=False, help_text="cores of a job that asks for none itself")
    memory_mb = serializers.IntegerField(required=False, help_text="of a job that asks for none itself")
    time_limit_minutes = serializers.IntegerField(
        required=False, help_text="the longest that Slurm is asked for"
    )
    extra = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="further arguments of sbatch, such as --exclusive",
    )


class DispatcherShape(serializers.Serializer[Any]):
    identity = serializers.CharField()
    host = serializers.CharField()
    agent_version = serializers.CharField()
    last_seen = serializers.DateTimeField()
    is_alive = serializers.BooleanField()
    problem = serializers.CharField(help_text="why it does not hand over at the moment; empty: it does")


class EnvironmentShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    enabled = serializers.BooleanField()
    owner = EnvironmentOwner(allow_null=True)
    team = EnvironmentTeam(allow_null=True, help_text="nobody else may use it")
    member = EnvironmentOwner(allow_null=True, help_text="nobody else may use it")
    restricted_to_teams = serializers.BooleanField(help_text="only teams with a place in it may use it")
    type = serializers.CharField()
    provider = serializers.CharField(allow_null=True)
    has_gpu = serializers.BooleanField()
    gpu_spec = serializers.CharField()
    is_scalable = serializers.BooleanField()
    spot = serializers.BooleanField()
    spot_max_price = serializers.FloatField()
    allow_personal_usage = serializers.BooleanField()
    bill_usage = serializers.BooleanField()
    can_admin = serializers.BooleanField()
    per_hour_price_usd = serializers.CharField(help_text="decimal number")
    per_user_queue_quota = serializers.IntegerField(help_text="0: no limit")
    per_user_resource_quotas = serializers.DictField(allow_null=True)
    unfinished_job_count = serializers.IntegerField(required=False, help_text="with `include`")
    max_running = serializers.IntegerField(help_text="0: no limit")
    default_image = serializers.CharField()
    mount_rules = MountRuleShape(many=True, required=False, help_text="for those who manage it")
    requires_mounts = serializers.BooleanField(help_text="a run ends when a mount is refused")
    scale_min = serializers.IntegerField()
    scale_max = serializers.IntegerField()
    scale_down_grace_period = serializers.IntegerField(help_text="minutes")
    enable_smart_vm_selection = serializers.BooleanField()
    supports_priority = serializers.BooleanField()
    queue_name = serializers.CharField(required=False, help_text="for those who manage it")
    dispatch = SlurmSettings(required=False, help_text="of a Slurm environment, for those who manage it")
    machine_template = serializers.DictField(required=False, help_text="for those who manage it")
    requires_enrolled_workers = serializers.BooleanField()
    agents_update = serializers.BooleanField()
    ctime = serializers.DateTimeField()
    mtime = serializers.DateTimeField()
    url = serializers.CharField()


class _Whole(serializers.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "min_value": -_LARGEST, "max_value": _LARGEST, **options})


class EnvironmentChange(serializers.Serializer[Any]):
    """Whatever is absent stays as it is, for PUT as for PATCH."""

    slug = serializers.CharField(required=False, max_length=128, help_text="stays as it was created")
    queue_name = serializers.CharField(required=False, max_length=128, help_text="stays as it was created")
    owner = ReferenceField(help_text="organization by id or name; only superusers change it")
    name = serializers.CharField(required=False, max_length=128)
    description = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    enabled = serializers.BooleanField(required=False)
    team = ReferenceField(help_text="id or name of the team that it belongs to; null: none")
    member = ReferenceField(help_text="id or name of the member that it belongs to; null: none")
    restricted_to_teams = serializers.BooleanField(required=False)
    allow_personal_usage = serializers.BooleanField(required=False)
    type = serializers.CharField(
        required=False, max_length=16, source="kind", help_text="slurm: a dispatcher hands its jobs to Slurm"
    )
    dispatch = serializers.JSONField(
        required=False, help_text="of type slurm: an object as in the answer; it replaces the one before"
    )
    provider = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=32,
        help_text="who starts its machines; null: it has machines of its own. Only superusers change it",
    )  # fmt: skip
    machine_template = serializers.DictField(
        required=False, help_text="what the provider's machines are like. Only superusers change it"
    )
    provider_credentials = serializers.DictField(
        required=False,
        child=serializers.CharField(allow_blank=True, max_length=16384),
        help_text="what the provider is reached with, such as access_key_id and secret_access_key; an empty text removes one. "
        "Never shown. Only superusers change it",
    )
    has_gpu = serializers.BooleanField(required=False)
    gpu_spec = serializers.CharField(required=False, allow_blank=True, max_length=128)
    supports_priority = serializers.BooleanField(required=False)
    per_hour_price_usd = serializers.DecimalField(
        required=False, max_digits=None, decimal_places=5, min_value=Decimal(-_LARGEST)
    )
    per_user_queue_quota = _Whole(help_text="0: no limit")
    max_running = _Whole(help_text="0: no limit")
    log_lines_per_second = _Whole(help_text="0: no limit")
    default_image = serializers.CharField(required=False, allow_blank=True, max_length=255)
    mount_rules = MountRuleShape(many=True, required=False)
    requires_mounts = serializers.BooleanField(required=False)
    scale_min = _Whole()
    scale_max = _Whole()
    scale_down_grace_period = _Whole(help_text="minutes")
    requires_enrolled_workers = serializers.BooleanField(
        required=False, help_text="jobs are handed only to workers that were enrolled"
    )
    agents_update = serializers.BooleanField(
        required=False, help_text="enrolled agents update themselves between jobs"
    )


class EnvironmentCreate(EnvironmentChange):
    slug = serializers.CharField(max_length=128)
    name = serializers.CharField(max_length=128)
    queue_name = serializers.CharField(
        required=False, allow_blank=True, max_length=128, help_text="the slug, when nothing is given"
    )
    owner = ReferenceField(
        help_text="organization by id or name; yours, when you own one. Superusers leave it out for everybody's"
    )


class TeamQuotaShape(serializers.Serializer[Any]):
    team = EnvironmentTeam()
    max_running = serializers.IntegerField(allow_null=True, help_text="null: no limit of its own; 0: blocked")


class TeamQuotaGiven(serializers.Serializer[Any]):
    team = ReferenceField(required=True, allow_null=False, help_text="id or name")
    max_running = _Whole(required=True, allow_null=True, help_text="null: no limit of its own; 0: blocked")


class RegistryShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    type = serializers.CharField()
    image_pattern = serializers.CharField()
    owner = serializers.IntegerField()
    configuration = serializers.DictField(
        child=serializers.CharField(), help_text="without the secrets, which are never shown"
    )
    ctime = serializers.DateTimeField()
    mtime = serializers.DateTimeField()
    url = serializers.CharField()


class RegistryCreate(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=RegistryCredentials.Kind.values, source="kind")
    image_pattern = serializers.CharField(max_length=255)
    owner = ReferenceField(help_text="organization by id or name; yours, when you own one")
    configuration = serializers.DictField()


class RegistryChange(serializers.Serializer[Any]):
    """Whatever is absent stays as it is; a secret that a new configuration leaves out stays too."""

    type = serializers.ChoiceField(choices=RegistryCredentials.Kind.values, required=False, source="kind")
    image_pattern = serializers.CharField(required=False, max_length=255)
    configuration = serializers.DictField(required=False)


class MachineAgent(serializers.Serializer[Any]):
    identity = serializers.CharField()
    version = serializers.CharField()
    state = serializers.CharField(
        help_text="idle, busy, cordoned or draining; empty for agents of earlier versions"
    )
    job = serializers.CharField(allow_null=True, help_text="id of the execution that it runs")
    usage = serializers.DictField(
        help_text="of the whole machine: cpus, cpu (0 to 1), memory_used_kb, memory_total_kb"
    )


class MachineShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    environment = serializers.UUIDField()
    status = serializers.CharField(
        help_text="requested, starting, ready, draining, terminating; gone, failed or lost when it has ended"
    )
    state = serializers.CharField(help_text="as status, with idle, busy or cordoned in place of ready")
    reason = serializers.CharField(help_text="why it ends or ended")
    provider = serializers.CharField()
    provider_id = serializers.CharField()
    zone = serializers.CharField()
    spot = serializers.BooleanField()
    cordoned = serializers.BooleanField()
    obeys_wishes = serializers.BooleanField(
        help_text="false: its agent is of a version that cannot be cordoned or restarted, and is drained by its next pause"
    )
    agent_version = serializers.CharField()
    agents = MachineAgent(many=True)
    per_hour_price_usd = serializers.CharField(help_text="decimal number")
    cost_usd = serializers.CharField(help_text="until now, decimal number")
    ctime = serializers.DateTimeField(help_text="when it was asked for")
    started_at = serializers.DateTimeField(allow_null=True)
    ready_at = serializers.DateTimeField(allow_null=True)
    seen_at = serializers.DateTimeField(allow_null=True)
    idle_since = serializers.DateTimeField(allow_null=True)
    interrupted_at = serializers.DateTimeField(allow_null=True, help_text="when the provider takes it back")
    ended_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField()


class FindingShape(serializers.Serializer[Any]):
    is_good = serializers.BooleanField()
    text = serializers.CharField()


class ProviderCheckShape(serializers.Serializer[Any]):
    is_good = serializers.BooleanField(help_text="everything that was looked at is")
    findings = FindingShape(many=True)
    policy = serializers.CharField(help_text="the least rights that the account has to give, as JSON")


class DecisionShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in DecisionKind])
    text = serializers.CharField()
    ctime = serializers.DateTimeField()
