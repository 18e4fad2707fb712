"""Stores, the files in them (datums) and their aliases."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower

from accounts.models import Owner
from audit.types import Scope, Target
from common.crypto import EncryptedTextField
from common.models import IdentifiedModel
from datastores.datasets.models import (
    Dataset,
    DatasetFile,
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
            models.Index(fields=["project", "-created_at"], name="datum_newest_in_project"),
            # For pages and counts over many projects, see projects/across.py.
            models.Index(
                fields=["project", "-id"], condition=models.Q(stored_at__isnull=False), name="datum_newest"
            ),
            models.Index(fields=["project", "name"], name="datum_name_in_project"),
            models.Index(fields=["output_execution_id", "name"], name="datum_of_execution"),
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
