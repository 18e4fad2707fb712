"""The audit log. Rows are written once: a trigger of the database refuses to change them, and to delete them before
their time (see migration 0002)."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from common.ids import new_id


class AuditEvent(models.Model):
    """One change or sign-in. There are no foreign keys: the row stays as it is when what it speaks of is gone."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField()
    kind = models.CharField(max_length=64, help_text="thing.what_happened, such as project.renamed")
    actor_id = models.BigIntegerField(
        null=True, help_text="a user's id; None: nobody was signed in, or the platform itself"
    )
    actor_name = models.CharField(max_length=64, blank=True)
    target_kind = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64, blank=True)
    target_name = models.CharField(max_length=255, blank=True)
    owner_ids = ArrayField(
        models.BigIntegerField(), default=list, help_text="users and organizations whose owners may read it"
    )
    project_id = models.UUIDField(null=True)
    project_name = models.CharField(max_length=160, blank=True)
    before = models.JSONField(default=dict, help_text="changed fields as they were; never a secret")
    after = models.JSONField(default=dict, help_text="changed fields as they became; never a secret")
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    channel = models.CharField(max_length=16, default="system")
    token_hint = models.CharField(max_length=8, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="audit_newest"),
            models.Index(fields=["project_id", "-created_at"], name="audit_of_project"),
            models.Index(fields=["actor_id", "-created_at"], name="audit_of_actor"),
            models.Index(fields=["kind", "-created_at"], name="audit_of_kind"),
            GinIndex(fields=["owner_ids"], name="audit_of_owners"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.target_name}"
