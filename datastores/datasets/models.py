"""Datasets: named collections of files in versions that never change, and the names that point to versions."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import MD5, Lower

from accounts.models import Owner
from audit.types import Scope, Target
from common.models import IdentifiedModel
from projects.models import Project


class Dataset(IdentifiedModel):
    """A name that an owner gives to a collection. It is there for some of their projects, or for every one."""

    owner = models.ForeignKey(Owner, on_delete=models.PROTECT, related_name="datasets")
    name = models.CharField(max_length=128)
    for_every_project = models.BooleanField(
        default=False, help_text="of the owner; otherwise only for those that are named"
    )
    projects = models.ManyToManyField(Project, blank=True, related_name="datasets")
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    tags = ArrayField(models.CharField(max_length=128), default=list, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    notes = models.TextField(blank=True)
    deleted_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="when it was hidden; its name stays taken, so that no address changes",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", Lower("name"), name="dataset_name_unique_for_owner"),
        ]
        indexes = [GinIndex(fields=["tags"], name="dataset_tags")]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_target(self) -> Target:
        return Target("dataset", str(self.pk), self.name, Scope((self.owner_id,)))


class DatasetVersion(IdentifiedModel):
    """Files under one name. Once it is there, its files never change; what is said of it may."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    name = models.CharField(max_length=128)
    previous_version = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The execution whose outputs made it. It lives in a higher app, see `Datum.output_execution_id`.
    execution_id = models.UUIDField(null=True, blank=True)
    execution_counter = models.BigIntegerField(null=True, blank=True)
    execution_project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    file_count = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    tags = ArrayField(models.CharField(max_length=128), default=list, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    notes = models.TextField(blank=True)
    wants_package = models.BooleanField(
        default=False, help_text="whether it was asked that jobs get its small files in packages"
    )
    packages_planned_at = models.DateTimeField(
        null=True, blank=True, help_text="when its packages were planned; None: they are not, or no longer"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint("dataset", Lower("name"), name="version_name_unique_in_dataset"),
        ]
        indexes = [
            # Ids are in time order: the first of these is the latest.
            models.Index(fields=["dataset", "-id"], name="dataset_version_newest"),
            models.Index(
                fields=["execution_id"],
                condition=models.Q(execution_id__isnull=False),
                name="dataset_version_of_execution",
            ),
            models.Index(
                fields=["id"],
                condition=models.Q(wants_package=True, packages_planned_at__isnull=True),
                name="dataset_version_to_package",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset.name}/{self.name}"

    @property
    def uri(self) -> str:
        return f"dataset://{self.dataset.name}/{self.name}"

    @property
    def audit_target(self) -> Target:
        return Target("dataset_version", str(self.pk), str(self), Scope((self.dataset.owner_id,)))


class DatasetFile(models.Model):
    """One file of a version. Rows are written in the order of their names, so that ids sort a version by name."""

    id = models.BigAutoField(primary_key=True)
    version = models.ForeignKey(
        DatasetVersion, on_delete=models.CASCADE, related_name="files", db_index=False
    )
    datum = models.ForeignKey(
        "datastores.Datum",
        null=True,
        on_delete=models.SET_NULL,
        related_name="in_versions",
        help_text="None when its project was deleted",
    )
    name = models.CharField(max_length=1024, help_text="of the file; once in a version")

    class Meta:
        constraints = [
            # By digest: an index of the names themselves could not hold the longest ones.
            models.UniqueConstraint("version", MD5("name"), name="file_name_once_in_version"),
        ]
        indexes = [models.Index(fields=["version", "id"], name="dataset_files_in_order")]

    def __str__(self) -> str:
        return self.name


class DatasetVersionAlias(IdentifiedModel):
    """A name in a dataset that points to one of its versions and can be moved."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=128)
    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        verbose_name_plural = "dataset version aliases"
        constraints = [
            models.UniqueConstraint("dataset", Lower("name"), name="alias_name_unique_in_dataset"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset.name}/{self.name}"

    @property
    def audit_target(self) -> Target:
        return Target("dataset_version_alias", str(self.pk), str(self), Scope((self.dataset.owner_id,)))


class DatasetVersionAliasMove(IdentifiedModel):
    """The history of aliases: who pointed one to which version, and when. It outlives the alias."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="alias_moves")
    alias_name = models.CharField(max_length=128)
    previous_version = models.ForeignKey(
        DatasetVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    version = models.ForeignKey(
        DatasetVersion,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="None: the alias was removed",
    )
    mover = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    execution_counter = models.BigIntegerField(null=True, blank=True, help_text="of the run that moved it")

    class Meta:
        indexes = [models.Index(fields=["dataset", "-id"], name="alias_moves_newest")]

    def __str__(self) -> str:
        return f"{self.alias_name} moved"


class DatasetPackage(IdentifiedModel):
    """Many small files of a version in one object: a tar, whose members are named by the ids of their datums.

    It is about the files of the version from the first to the last of these ids that are in the store `source` and are
    small, see `packaging/contents.py`. Its status changes only in `packaging.lifecycle`.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        BUILDING = "building"
        READY = "ready"
        FAILED = "failed"
        DROPPED = "dropped"

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="packages")
    source = models.ForeignKey(
        "datastores.DataStore", on_delete=models.CASCADE, related_name="+", help_text="where its files are"
    )
    store = models.ForeignKey(
        "datastores.DataStore", on_delete=models.CASCADE, related_name="packages", help_text="where it is"
    )
    key = models.CharField(max_length=1280, help_text="name of the object in the store")
    first_file_id = models.BigIntegerField(help_text="the first of the version's files that it is about")
    last_file_id = models.BigIntegerField()
    file_count = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    problem = models.TextField(blank=True, help_text="why the last attempt to build it failed")
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(help_text="when it may be built; later after each failure")
    builder = models.UUIDField(
        null=True, blank=True, help_text="who builds it: no other one may say anything"
    )
    progressed_at = models.DateTimeField(null=True, blank=True)
    upload_id = models.CharField(
        max_length=1024, blank=True, help_text="the store's name of its upload in parts"
    )
    ready_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "version",
                "source",
                "first_file_id",
                condition=~models.Q(status="dropped"),
                name="package_once_for_files",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="ready") | ~models.Q(sha256=""), name="package_ready_has_checksum"
            ),
            models.CheckConstraint(
                condition=models.Q(status="dropped") ^ models.Q(dropped_at__isnull=True),
                name="package_dropped_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["not_before"],
                condition=models.Q(status__in=["waiting", "building"]),
                name="package_unfinished",
            ),
            models.Index(
                fields=["dropped_at"], condition=models.Q(status="dropped"), name="package_to_erase"
            ),
        ]

    def __str__(self) -> str:
        return f"package of {self.version}"
