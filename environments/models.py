"""Environments (kinds of machine a job may choose), who may use them, the machines and workers that serve their queues, and
the registries that private images come from."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import Owner
from audit.types import Scope, Target
from common.crypto import EncryptedTextField
from common.models import IdentifiedModel
from environments.autoscaling.models import Machine, ScalingDecision
from environments.enrolment.models import EnrolmentToken, WorkerCredential
from environments.mounts import MountRule
from environments.types import DISPATCHED_KINDS
from organizations.models import Team
from peon.protocol import keys

__all__ = [
    "EnrolmentToken",
    "Environment",
    "Machine",
    "RegistryCredentials",
    "ScalingDecision",
    "TeamPlace",
    "Worker",
    "WorkerCredential",
]


class Environment(IdentifiedModel):
    """A kind of machine. Jobs that choose it wait in `queue_name` for a worker that serves this queue."""

    slug = models.SlugField(max_length=128, unique=True)
    name = models.CharField(max_length=128)
    description = models.TextField(blank=True)
    owner = models.ForeignKey(
        Owner, null=True, blank=True, on_delete=models.PROTECT, related_name="environments",
        help_text="nobody: every user of the installation may use it",
    )  # fmt: skip
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.PROTECT, related_name="owned_environments",
        help_text="the team of the owning organization that it belongs to; nobody else may use it",
    )  # fmt: skip
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT,
        related_name="assigned_environments",
        help_text="the member of the owning organization that it belongs to; nobody else may use it",
    )  # fmt: skip
    restricted_to_teams = models.BooleanField(
        default=False, db_default=False, help_text="only members of teams with a place in it may use it"
    )
    queue_name = models.CharField(max_length=128)
    requires_enrolled_workers = models.BooleanField(
        default=False, db_default=False,
        help_text="jobs are handed only to workers that were enrolled for it and have proved it",
    )  # fmt: skip
    agents_update = models.BooleanField(
        default=True, db_default=True,
        help_text="enrolled agents become, between jobs, the version that comes with the installation",
    )  # fmt: skip
    kind = models.CharField(max_length=16, default="vm", help_text="the contract's `type`")
    dispatch = models.JSONField(
        default=dict, db_default={}, blank=True,
        help_text="of a cluster's environment: what its jobs ask for, such as the partition",
    )  # fmt: skip
    provider = models.CharField(
        max_length=32, null=True, blank=True,
        help_text="who starts and ends its machines; nobody: it has machines of its own",
    )  # fmt: skip
    machine_template = models.JSONField(
        default=dict, blank=True, db_default={}, help_text="what the provider's machines are like"
    )
    provider_secrets = EncryptedTextField(
        blank=True, default="", db_default="", help_text="JSON of what the provider is reached with"
    )
    enabled = models.BooleanField(default=True)
    allow_personal_usage = models.BooleanField(
        default=True, help_text="also for projects that belong to a user, not to an organization"
    )
    has_gpu = models.BooleanField(default=False)
    gpu_spec = models.CharField(max_length=128, blank=True)
    supports_priority = models.BooleanField(default=True)
    per_hour_price_usd = models.DecimalField(max_digits=12, decimal_places=5, default=Decimal(0))
    per_user_queue_quota = models.IntegerField(
        default=0, help_text="executions at once per user; 0: no limit"
    )
    max_running = models.IntegerField(default=0, help_text="executions at once in all; 0: no limit")
    log_lines_per_second = models.IntegerField(
        default=0, help_text="lines kept per second and execution; 0: no limit"
    )
    default_image = models.CharField(max_length=255, blank=True)
    mount_rules = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="what steps may mount: [{pattern, writable}], see docs/mounts.md",
    )
    requires_mounts = models.BooleanField(
        default=False, db_default=False, help_text="a run does not go on without a mount that is refused"
    )
    scale_min = models.IntegerField(default=0)
    scale_max = models.IntegerField(default=5)
    scale_down_grace_period = models.IntegerField(default=15, help_text="minutes")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(team__isnull=True) | Q(member__isnull=True), name="environment_of_team_or_member"
            ),
            models.CheckConstraint(
                condition=Q(
                    per_hour_price_usd__gte=0, per_user_queue_quota__gte=0, max_running__gte=0,
                    log_lines_per_second__gte=0, scale_min__gte=0, scale_max__gte=F("scale_min"),
                    scale_down_grace_period__gte=0,
                ),
                name="environment_numbers_make_sense",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name

    @property
    def rules_of_mounts(self) -> list[MountRule]:
        return [MountRule(**rule) for rule in self.mount_rules]

    @property
    def is_dispatched(self) -> bool:
        return self.kind in DISPATCHED_KINDS

    @property
    def redis_queue(self) -> str:
        """The name under which its jobs wait in Redis."""
        return redis_queue(self.kind, self.queue_name)

    @property
    def audit_target(self) -> Target:
        scope = Scope((self.owner_id,) if self.owner_id else ())
        return Target("environment", str(self.pk), self.slug, scope)


def redis_queue(kind: str, queue_name: str) -> str:
    """Jobs for a cluster wait apart, so that no agent that serves a queue of that name takes them."""
    return str(keys.dispatched(queue_name)) if kind in DISPATCHED_KINDS else queue_name


class TeamPlace(IdentifiedModel):
    """What one team may use of an environment."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="team_places")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="environment_places")
    max_running = models.IntegerField(
        null=True, blank=True, help_text="executions at once; 0 blocks the team; empty: no limit of its own"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "team"], name="one_place_per_team"),
            models.CheckConstraint(
                condition=Q(max_running__isnull=True) | Q(max_running__gte=0),
                name="team_quota_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team} in {self.environment}"

    @property
    def audit_target(self) -> Target:
        scope = Scope((self.team.organization_id,))
        return Target("team_place", str(self.pk), str(self), scope)


class RegistryCredentials(IdentifiedModel):
    """How images whose name matches a pattern are pulled. Belongs to an organization; secrets go in and never come out."""

    class Kind(models.TextChoices):
        DOCKER = "docker", "Docker login"
        AWS_ECR = "aws-ecr", "AWS ECR with access keys"
        AWS_ECR_ROLE = "aws-ecr-role", "AWS ECR with the machine's role"
        GOOGLE = "gcp-cr", "Google Artifact Registry"

    kind = models.CharField(max_length=32, choices=Kind.choices)
    image_pattern = models.CharField(max_length=255, help_text="such as docker.io/acme/*")
    owner = models.ForeignKey(Owner, on_delete=models.PROTECT, related_name="registry_credentials")
    configuration = models.JSONField(default=dict, blank=True, help_text="what is not secret")
    secrets = EncryptedTextField(blank=True, help_text="JSON of the secret half of the configuration")

    class Meta:
        verbose_name_plural = "registry credentials"
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "image_pattern"], name="registry_pattern_unique_for_owner"
            )
        ]

    def __str__(self) -> str:
        return self.image_pattern

    @property
    def audit_target(self) -> Target:
        return Target("registry_credentials", str(self.pk), self.image_pattern, Scope((self.owner_id,)))


class Worker(IdentifiedModel):
    """An agent that has claimed or asked for work, as it last described itself."""

    identity = models.CharField(
        max_length=128, unique=True, help_text="host name, process and boot of the agent"
    )
    host = models.CharField(max_length=255)
    agent_version = models.CharField(max_length=32, blank=True)
    runtime = models.CharField(max_length=16, blank=True)
    queues = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    last_seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.identity
