"""Environments (kinds of machine a job may choose) and the workers that serve their queues."""

from decimal import Decimal

from django.db import models

from accounts.models import Owner
from common.models import IdentifiedModel


class Environment(IdentifiedModel):
    """A kind of machine. Jobs that choose it wait in `queue_name` for a worker that serves this queue."""

    slug = models.SlugField(max_length=128, unique=True)
    name = models.CharField(max_length=128)
    description = models.TextField(blank=True)
    owner = models.ForeignKey(
        Owner, null=True, blank=True, on_delete=models.PROTECT, related_name="environments",
        help_text="nobody: every user of the installation may use it",
    )  # fmt: skip
    queue_name = models.CharField(max_length=128)
    kind = models.CharField(max_length=16, default="vm", help_text="the contract's `type`")
    provider = models.CharField(max_length=32, null=True, blank=True)
    enabled = models.BooleanField(default=True)
    allow_personal_usage = models.BooleanField(default=True)
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
    scale_min = models.IntegerField(default=0)
    scale_max = models.IntegerField(default=5)
    scale_down_grace_period = models.IntegerField(default=15, help_text="minutes")

    def __str__(self) -> str:
        return self.name


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
