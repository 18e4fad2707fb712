"""Tokens that let machines in, and the identities that they got for them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from audit.types import Target
from common.models import IdentifiedModel


class EnrolmentToken(IdentifiedModel):
    """Good for one machine, unless said otherwise, for a while. Only its digest is kept."""

    environment = models.ForeignKey(
        "environments.Environment", on_delete=models.CASCADE, related_name="enrolment_tokens"
    )
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12, help_text="how the token begins")
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="nobody: the platform made it for a machine that it starts",
    )  # fmt: skip
    machine_id = models.CharField(
        max_length=64, blank=True, help_text="the machine that it was made for, where one was named"
    )
    uses = models.IntegerField(default=1, help_text="how many machines it lets in")
    used = models.IntegerField(default=0)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(uses__gte=1), name="enrolment_token_lets_somebody_in"),
            models.CheckConstraint(
                condition=Q(used__gte=0, used__lte=F("uses")), name="enrolment_token_not_overused"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hint}…"

    @property
    def audit_target(self) -> Target:
        scope = self.environment.audit_target.scope
        return Target("enrolment_token", str(self.pk), f"{self.environment.slug} {self.hint}", scope)


class WorkerCredential(IdentifiedModel):
    """The identity of one agent, for one queue, and whoever speaks for it at the moment."""

    worker = models.OneToOneField("environments.Worker", on_delete=models.CASCADE, related_name="credential")
    environment = models.ForeignKey(
        "environments.Environment", on_delete=models.CASCADE, related_name="worker_credentials"
    )
    token = models.ForeignKey(
        EnrolmentToken, null=True, blank=True, on_delete=models.SET_NULL, related_name="credentials"
    )
    digest = models.CharField(max_length=64)
    redis_digest = models.CharField(max_length=64, help_text="of its password in Redis")
    machine_id = models.CharField(max_length=64, blank=True, help_text="as the token said")
    revoked_at = models.DateTimeField(null=True, blank=True)
    instance = models.CharField(max_length=64, blank=True)
    boot_id = models.CharField(max_length=64, blank=True)
    turn = models.BigIntegerField(default=0)
    heard_at = models.DateTimeField(null=True, blank=True)
    clone_host = models.CharField(
        max_length=255, blank=True, help_text="another machine that was refused under this identity"
    )
    clone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["environment", "revoked_at"], name="credential_of_environment")]

    def __str__(self) -> str:
        return self.worker.identity

    @property
    def audit_target(self) -> Target:
        return Target("worker", str(self.pk), self.worker.identity, self.environment.audit_target.scope)
