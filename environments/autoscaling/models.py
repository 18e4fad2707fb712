"""Machines that the autoscaler starts, and why it did what it did."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from audit.types import Scope, Target
from common.models import IdentifiedModel
from environments.autoscaling.types import ENDED, MachineStatus, short_name

ENDED_VALUES = sorted(status.value for status in ENDED)


class Machine(IdentifiedModel):
    """One machine of an environment. Its id is its tag at the provider, so that it is started once and found again."""

    environment = models.ForeignKey(
        "environments.Environment", on_delete=models.CASCADE, related_name="machines", db_index=False
    )
    provider = models.CharField(max_length=32)
    provider_id = models.CharField(max_length=255, blank=True, help_text="what the provider calls it")
    zone = models.CharField(max_length=64, blank=True)
    spot = models.BooleanField(default=False, help_text="the provider may take it back")
    status = models.CharField(max_length=16, default=MachineStatus.REQUESTED.value)
    reason = models.TextField(blank=True, help_text="why it ends or ended")
    is_fault = models.BooleanField(default=False, help_text="it ends for something that went wrong")
    cordoned = models.BooleanField(default=False, help_text="takes no new jobs, and stays")
    stop_jobs = models.BooleanField(
        default=False, help_text="somebody wants it ended without waiting for its job"
    )
    workers = ArrayField(
        models.CharField(max_length=128), default=list, blank=True, help_text="identities of the agents on it"
    )
    agent_version = models.CharField(max_length=32, blank=True)
    obeys_wishes = models.BooleanField(default=True, help_text="its agents can be drained")
    price_per_hour_usd = models.DecimalField(max_digits=12, decimal_places=5, default=Decimal(0))
    started_at = models.DateTimeField(null=True, blank=True, help_text="when the provider had started it")
    ready_at = models.DateTimeField(null=True, blank=True, help_text="when its agent was first heard")
    seen_at = models.DateTimeField(null=True, blank=True, help_text="when its agent was last heard, about")
    idle_since = models.DateTimeField(null=True, blank=True)
    interrupted_at = models.DateTimeField(
        null=True, blank=True, help_text="when the provider takes it back, as far as it said"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["environment"], condition=Q(ended_at__isnull=True), name="machine_live"),
            models.Index(fields=["environment", "-ended_at"], name="machine_ended"),
            models.Index(fields=["ended_at"], name="machine_ended_at"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ENDED_VALUES, ended_at__isnull=False)
                | ~Q(status__in=ENDED_VALUES) & Q(ended_at__isnull=True),
                name="machine_ended_has_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return short_name(self.pk)

    @property
    def audit_target(self) -> Target:
        owner_id = self.environment.owner_id
        return Target("machine", str(self.pk), self.name, Scope((owner_id,) if owner_id else ()))


class ScalingDecision(IdentifiedModel):
    """A line of an environment's log: what was done and why, in words."""

    environment = models.ForeignKey(
        "environments.Environment", on_delete=models.CASCADE, related_name="scaling_decisions", db_index=False
    )
    kind = models.CharField(max_length=16)
    text = models.TextField()

    class Meta:
        indexes = [
            models.Index(fields=["environment", "-created_at"], name="scaling_decision_log"),
            models.Index(fields=["created_at"], name="scaling_decision_age"),
        ]

    def __str__(self) -> str:
        return self.text
