"""Stores, the files in them (datums) and their aliases."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower

from accounts.models import Owner
from audit.types import Scope, Target
from common.crypto import EncryptedTextField
from common.grams import grams
from common.models import IdentifiedModel
from datastores.datasets.models import (
    Dataset,
    DatasetFile,
    DatasetPackage,
    DatasetVersion,
    DatasetVersionAlias,
    DatasetVersionAliasMove,
)
from organizations.models import Team
from projects.models import Project

__all__ = [
    "DataStore",
    "Dataset",
    "DatasetFile",
    "DatasetPackage",
    "DatasetVersion",
    "DatasetVersionAlias",
    "DatasetVersionAliasMove",
    "Datum",
    "DatumAlias",
]


class DataStore(IdentifiedModel):
    """A place for users' files. The installation's own store (`is_default`) is always there."""

    class Kind(models.TextChoices):
        PLATFORM = "platform", "the installation's storage"
        S3 = "s3"
        AZURE = "azure"
        GOOGLE = "google"
        SWIFT = "swift"

    class AccessMode(models.TextChoices):
        PUBLIC = "public"
        SINGLE_PROJECT = "single_project"
        TEAMS = "teams"
        OWNER_ORGANIZATION = "owner_organization"

    name = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    access_mode = models.CharField(
        max_length=32, choices=AccessMode.choices, default=AccessMode.SINGLE_PROJECT
    )
    owner = models.ForeignKey(Owner, null=True, blank=True, on_delete=models.PROTECT, related_name="stores")
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="stores"
    )
    teams = models.ManyToManyField(
        Team, blank=True, related_name="stores", help_text="those who may use it when access is by teams"
    )
    allow_read = models.BooleanField(default=True)
    allow_write = models.BooleanField(default=True)
    allow_uri_download = models.BooleanField(
        default=False,
        db_default=False,
        help_text="whether addresses in the store may be downloaded by whoever may use it",
    )
    allow_adopt = models.BooleanField(
        default=False,
        db_default=False,
        help_text="whether files that are in the store already may become files of projects",
    )
    paths = models.JSONField(
        default=dict, blank=True, db_default={}, help_text="named folders: name -> prefix of keys"
    )
    is_default = models.BooleanField(default=False)
    configuration = models.JSONField(default=dict, blank=True)
    credentials = EncryptedTextField(blank=True, help_text="JSON of the secret half of the configuration")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_store"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_target(self) -> Target:
        if self.project is not None:
            return Target("store", str(self.pk), self.name, self.project.audit_scope)
        return Target("store", str(self.pk), self.name, Scope((self.owner_id,) if self.owner_id else ()))


class Datum(IdentifiedModel):
    """One immutable file in a store. A row is *reserved* when its upload was granted and *stored* once it is whole."""

    store = models.ForeignKey(DataStore, on_delete=models.PROTECT, related_name="datums")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="datums")
    # The execution lives in a higher app; number and id are kept here so that lists need no join upwards.
    output_execution_id = models.UUIDField(null=True, blank=True)
    output_execution_counter = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=1024, help_text="path below the outputs folder")
    key = models.CharField(max_length=1280, help_text="name of the object in the store")
    size_bytes = models.BigIntegerField(default=0)
    md5 = models.CharField(max_length=32, null=True, blank=True)
    sha1 = models.CharField(max_length=40, null=True, blank=True)
    sha256 = models.CharField(max_length=64, null=True, blank=True)
    file_modified_at = models.DateTimeField(null=True, blank=True)
    upload_id = models.CharField(
        max_length=1024, blank=True, db_default="", help_text="the store's name of an upload in parts"
    )
    upload_part_bytes = models.BigIntegerField(
        null=True, blank=True, help_text="size of its parts, all alike but the last"
    )
    is_adopted = models.BooleanField(
        default=False,
        db_default=False,
        help_text="it was in the store before, and stays there when its record goes",
    )
    stored_at = models.DateTimeField(null=True, blank=True, help_text="None: reserved, not whole yet")
    purged_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="when the bytes of a purged file left the store; None: not yet"
    )
    uploader = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="uploaded_datums",
    )
    tags = ArrayField(models.CharField(max_length=128), default=list, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    metadata_errors = models.JSONField(
        default=list, blank=True, help_text="what was wrong with the metadata that its run wrote, in words"
    )
    dataset_versions = models.JSONField(
        default=list,
        blank=True,
        db_default=[],
        help_text="the versions of datasets that its run asked for; they are made when it ends",
    )

    class Meta:
        indexes = [
            # The order of the data browser, with what its usual filter asks for.
            models.Index(
                fields=["project", "-created_at", "-id"],
                include=["purged_at"],
                condition=models.Q(stored_at__isnull=False),
                name="datum_listed",
            ),
            models.Index(
                fields=["project", "-created_at", "-id"],
                condition=models.Q(stored_at__isnull=False, output_execution_id__isnull=True),
                name="datum_uploaded",
            ),
            # For pages and counts over many projects, see projects/across.py.
            models.Index(
                fields=["project", "-id"], condition=models.Q(stored_at__isnull=False), name="datum_newest"
            ),
            models.Index(fields=["project", "name"], name="datum_name_in_project"),
            models.Index(
                fields=["project", "size_bytes"],
                condition=models.Q(stored_at__isnull=False),
                name="datum_size_in_project",
            ),
            models.Index(fields=["output_execution_id", "name"], name="datum_of_execution"),
            models.Index(
                fields=["output_execution_counter", "project"],
                condition=models.Q(output_execution_counter__isnull=False),
                name="datum_of_execution_number",
            ),
            # Of all rows: PostgreSQL estimates by statistics of whole indexes only.
            GinIndex(grams("name"), name="datum_name_grams"),
            GinIndex(fields=["tags"], name="datum_tags"),
            models.Index(
                fields=["created_at"], condition=models.Q(stored_at__isnull=True), name="datum_reserved"
            ),
            models.Index(
                fields=["purged_at"],
                condition=models.Q(purged_at__isnull=False, erased_at__isnull=True),
                name="datum_to_erase",
            ),
            models.Index(fields=["store", "key"], name="datum_of_object"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_target(self) -> Target:
        return Target("datum", str(self.pk), self.name, self.project.audit_scope)


class DatumAlias(IdentifiedModel):
    """A name in a project that points to a datum and can be moved."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="datum_aliases")
    name = models.CharField(max_length=128)
    datum = models.ForeignKey(Datum, null=True, on_delete=models.SET_NULL, related_name="aliases")

    class Meta:
        verbose_name_plural = "datum aliases"
        constraints = [
            models.UniqueConstraint("project", Lower("name"), name="alias_name_unique_in_project"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_target(self) -> Target:
        return Target("datum_alias", str(self.pk), self.name, self.project.audit_scope)


class DatumAliasMove(models.Model):
    """One change of an alias: who let it mean which file, and which one before. Rows stay when the alias, the files or the
    person go, so everything is kept by name, too."""

    id = models.BigAutoField(
        primary_key=True
    )  # given while the alias is locked, so its order is the order of the moves
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alias_moves")
    name = models.CharField(max_length=128)
    moved_at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=255, blank=True, help_text="empty: an execution moved it")
    execution_id = models.UUIDField(null=True, blank=True, help_text="the one whose output said so")
    execution_counter = models.BigIntegerField(null=True, blank=True)
    from_datum_id = models.UUIDField(null=True, blank=True, help_text="None: it meant nothing before")
    from_name = models.CharField(max_length=1024, blank=True)
    to_datum_id = models.UUIDField(null=True, blank=True, help_text="None: it was deleted")
    to_name = models.CharField(max_length=1024, blank=True)

    class Meta:
        indexes = [models.Index("project", Lower("name"), models.F("id").desc(), name="moves_of_alias")]

    def __str__(self) -> str:
        return f"{self.name}: {self.from_name or 'nothing'} to {self.to_name or 'nothing'}"


class RetentionRule(IdentifiedModel):
    """Which files of a project go by themselves, see `retention/`. It does nothing until somebody has tried and enabled it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="retention_rules")
    store = models.ForeignKey(
        DataStore,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="None: files in every store",
    )
    name = models.CharField(max_length=128)
    min_age_days = models.PositiveIntegerField(help_text="files that are younger stay")
    tag = models.CharField(max_length=128, blank=True, help_text="only files with it; empty: any")
    name_pattern = models.CharField(max_length=256, blank=True, help_text="with * and **; empty: any")
    only_unused = models.BooleanField(default=True, help_text="files that anything ever used stay")
    tried_at = models.DateTimeField(null=True, blank=True, help_text="None: not since it was changed")
    tried_count = models.BigIntegerField(default=0)
    tried_bytes = models.BigIntegerField(default=0)
    enabled_at = models.DateTimeField(null=True, blank=True, help_text="None: it does nothing")
    last_run_at = models.DateTimeField(null=True, blank=True)
    purged_count = models.BigIntegerField(default=0, help_text="by all its runs")
    purged_bytes = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint("project", Lower("name"), name="retention_rule_name_unique"),
            models.CheckConstraint(
                condition=models.Q(enabled_at__isnull=True) | models.Q(tried_at__isnull=False),
                name="retention_rule_enabled_is_tried",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_target(self) -> Target:
        return Target("retention_rule", str(self.pk), self.name, self.project.audit_scope)


class Adoption(IdentifiedModel):
    """Files of a store that become files of a project, in the background. Its state changes only in `adoption.lifecycle`."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        COMPLETE = "complete"
        FAILED = "failed"
        CANCELLED = "cancelled"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="adoptions")
    store = models.ForeignKey(DataStore, on_delete=models.CASCADE, related_name="adoptions")
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="adoptions"
    )
    addresses = ArrayField(models.TextField(), help_text="of files, folders and wildcards, in their order")
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    problem = models.TextField(blank=True, default="", help_text="why it failed")
    address_number = models.PositiveIntegerField(default=0, help_text="which of the addresses is next")
    after_key = models.TextField(blank=True, default="", help_text="the last key of it that was looked at")
    matched_here = models.BigIntegerField(default=0, help_text="files that it has named so far")
    adopted_count = models.BigIntegerField(default=0)
    known_count = models.BigIntegerField(default=0)
    refused_count = models.BigIntegerField(default=0)
    progressed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], name="adoption_newest_in_project"),
            models.Index(
                fields=["progressed_at"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="adoption_unfinished",
            ),
        ]

    def __str__(self) -> str:
        more = f" and {len(self.addresses) - 1} more" if len(self.addresses) > 1 else ""
        return f"{self.addresses[0]}{more}"

    @property
    def audit_target(self) -> Target:
        return Target("adoption", str(self.pk), str(self), self.project.audit_scope)

    @property
    def is_finished(self) -> bool:
        return self.ended_at is not None

    @property
    def counts(self) -> dict[str, int]:
        """By outcome."""
        outcome = AdoptionResult.Outcome
        return {
            outcome.ADOPTED.value: self.adopted_count,
            outcome.KNOWN.value: self.known_count,
            outcome.REFUSED.value: self.refused_count,
        }


class AdoptionResult(models.Model):
    """What became of one file, or of an address that names none."""

    class Outcome(models.TextChoices):
        ADOPTED = "adopted"
        KNOWN = "known"
        REFUSED = "refused"

    adoption = models.ForeignKey(Adoption, on_delete=models.CASCADE, related_name="results")
    uri = models.TextField()
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    datum = models.ForeignKey(
        Datum, null=True, on_delete=models.SET_NULL, related_name="adoption_results", help_text="its record"
    )
    message = models.TextField(blank=True, default="")
    code = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["adoption", "outcome", "id"], name="results_of_adoption")]

    def __str__(self) -> str:
        return self.uri
