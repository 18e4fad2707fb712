"""Executions and what they said: log chunks, metadata chunks, resource statistics."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import MD5

from audit.types import Target
from common.grams import grams
from common.models import IdentifiedModel
from datastores.models import DatasetVersion, DataStore, Datum
from environments.models import Environment
from executions.types import FINAL, Status
from organizations.models import Team
from projects.models import Commit, Project

if TYPE_CHECKING:
    from projects.selectors import VariableLayers

_FINAL = sorted(status.value for status in FINAL)  # a stable order, or every migration would see a change


class Execution(IdentifiedModel):
    """One run of one step. What it needs to run again is all here; what it said is in the rows that point to it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="executions")
    counter = models.BigIntegerField(help_text="number within the project, from 1")
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="executions"
    )
    commit = models.ForeignKey(Commit, null=True, on_delete=models.PROTECT, related_name="executions")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="executions")
    quota_team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False,
        help_text="whose place in the environment it takes, see docs/quotas.md",
    )  # fmt: skip

    status = models.CharField(max_length=16, choices=[(s, s) for s in Status], default=Status.CREATED)
    status_detail = models.TextField(blank=True, help_text="short text set by the running job")
    waiting_reason = models.TextField(blank=True, help_text="why it is not running yet, in words")
    error_text = models.TextField(blank=True, help_text="why it ended as error or crashed, in words")
    exit_code = models.IntegerField(null=True, blank=True)

    step = models.CharField(max_length=255)
    title = models.CharField(max_length=255, blank=True)
    tags = ArrayField(models.CharField(max_length=128), default=list, blank=True)
    image = models.CharField(max_length=512)
    command = models.TextField(help_text="as in the step or overridden, one command a line")
    interpolated_command = models.TextField()
    inputs = models.JSONField(
        default=list,
        help_text="[{name, urls, keep_directories, filename, download, optional}], in the step's order",
    )
    parameters = models.JSONField(default=dict, help_text="name -> typed value; unset parameters are absent")
    environment_variables = models.JSONField(
        default=dict, help_text="the execution's own, without inherited ones"
    )
    environment_variable_groups = models.JSONField(default=list)
    inherit_environment_variables = models.BooleanField(default=True)
    variables_beside = models.JSONField(
        null=True, blank=True,
        help_text="name -> fingerprint of the value, of what its worker was given besides; None: not written down",
    )  # fmt: skip
    runtime_config = models.JSONField(default=dict)
    mounts = models.JSONField(
        default=list,
        db_default=[],
        help_text="[{kind, host, path, destination, readonly, options}], as the step wants them",
    )
    priority = models.IntegerField(default=0)
    time_limit_seconds = models.IntegerField(null=True, blank=True)
    no_output_timeout_seconds = models.IntegerField(null=True, blank=True)
    upload_store_id = models.UUIDField(null=True, blank=True)

    queued_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    kill_requested_at = models.DateTimeField(null=True, blank=True, help_text="the second stop: end it now")
    deleted_at = models.DateTimeField(null=True, blank=True)
    per_hour_price_usd = models.DecimalField(max_digits=12, decimal_places=5, default=0)

    epoch = models.IntegerField(default=0, help_text="attempt; what an older attempt says is refused")
    worker_identity = models.CharField(max_length=128, blank=True)
    runtime_facts = models.JSONField(
        default=dict, help_text="what the worker said of the run: image digest, runtime"
    )

    next_seq = models.BigIntegerField(default=0, help_text="first event not yet folded in by ingest")
    log_line_count = models.BigIntegerField(default=0)
    log_sealed_at = models.DateTimeField(
        null=True, blank=True, help_text="the log is whole and in object storage"
    )
    metadata_count = models.BigIntegerField(default=0)
    output_count = models.IntegerField(default=0)
    cumulative_metadata = models.JSONField(default=dict, help_text="latest value per key")
    latest_stats = models.JSONField(default=dict)

    if TYPE_CHECKING:
        variable_layers: VariableLayers  # where `variables.read_known_variables` was asked

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "counter"], name="execution_counter_unique"),
            models.CheckConstraint(condition=Q(status__in=list(Status)), name="execution_status_known"),
            models.CheckConstraint(
                condition=~Q(status__in=_FINAL) | Q(ended_at__isnull=False), name="execution_final_has_end"
            ),
            models.CheckConstraint(
                condition=Q(status__in=_FINAL) | Q(ended_at__isnull=True), name="execution_open_has_no_end"
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "-counter"], condition=Q(deleted_at__isnull=True), name="execution_list"
            ),
            # For pages and counts over many projects, see projects/across.py.
            models.Index(
                fields=["project", "-id"], condition=Q(deleted_at__isnull=True), name="execution_newest"
            ),
            models.Index(
                fields=["project", "status", "-counter"],
                condition=Q(deleted_at__isnull=True),
                name="execution_living_by_status",
            ),
            models.Index(
                fields=["quota_team"], condition=Q(quota_team__isnull=False), name="execution_of_quota_team"
            ),
            models.Index(
                fields=["environment", "status", "created_at"],
                condition=Q(ended_at__isnull=True),
                name="execution_unfinished",
            ),
            models.Index(
                fields=["ended_at"],
                condition=Q(log_sealed_at__isnull=True, ended_at__isnull=False),
                name="execution_unsealed",
            ),
            GinIndex(fields=["tags"], name="execution_tags"),
            # Files are found by the title of their execution, see `datastores.searching`.
            GinIndex(grams("title"), name="execution_title_grams"),
        ]

    def __str__(self) -> str:
        return f"#{self.counter}"

    @property
    def audit_target(self) -> Target:
        return Target("execution", str(self.pk), str(self), self.project.audit_scope)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def topic(self) -> str:
        """The notice topic of this execution, see `common.notices`."""
        return f"execution:{self.pk}"


class InputAddress(IdentifiedModel):
    """An address in a store or on the web from which executions of a project read: one row for each that is distinct."""

    # Found by the constraint below; the store by its index.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    address = models.TextField(help_text="for people: without what may be secret in it")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the address, without its credentials")
    store = models.ForeignKey(
        DataStore, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False,
        help_text="None: on the web, or in no store that is known",
    )  # fmt: skip
    key = models.TextField(blank=True, help_text="in the store; it may hold wildcards")

    class Meta:
        verbose_name_plural = "input addresses"
        constraints = [
            models.UniqueConstraint(fields=["project", "digest"], name="input_address_unique_in_project")
        ]
        indexes = [
            # By digest: an index of the keys themselves could not hold the longest ones.
            models.Index(
                "store", MD5("key"), condition=Q(store__isnull=False), name="input_address_of_object"
            )
        ]

    def __str__(self) -> str:
        return self.address


class ExecutionInput(models.Model):
    """What an execution has as an input: a file, a version of a dataset, or an address. `Execution.inputs` says what to do with
    it; this finds it from the other side."""

    id = models.BigAutoField(primary_key=True)
    # All of them are found by the indexes below.
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="used_files", db_index=False
    )
    datum = models.ForeignKey(Datum, null=True, on_delete=models.CASCADE, related_name="uses", db_index=False)
    version = models.ForeignKey(
        DatasetVersion, null=True, on_delete=models.CASCADE, related_name="uses", db_index=False
    )
    address = models.ForeignKey(
        InputAddress, null=True, on_delete=models.CASCADE, related_name="uses", db_index=False
    )
    name = models.CharField(max_length=255, help_text="of the input")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["execution", "datum", "name"], name="execution_input_unique"),
            models.UniqueConstraint(
                fields=["execution", "version", "name"],
                condition=Q(version__isnull=False),
                name="execution_version_unique",
            ),
            models.UniqueConstraint(
                fields=["execution", "address", "name"],
                condition=Q(address__isnull=False),
                name="execution_address_unique",
            ),
            models.CheckConstraint(
                condition=Q(datum__isnull=False, version__isnull=True, address__isnull=True)
                | Q(datum__isnull=True, version__isnull=False, address__isnull=True)
                | Q(datum__isnull=True, version__isnull=True, address__isnull=False),
                name="execution_input_is_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["datum", "-execution"], name="execution_input_of_file"),
            models.Index(
                fields=["version", "-execution"],
                condition=Q(version__isnull=False),
                name="execution_input_of_version",
            ),
            models.Index(
                fields=["address", "-execution"],
                condition=Q(address__isnull=False),
                name="execution_input_of_address",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.execution_id}"


class LogChunk(models.Model):
    """A run of log lines. Fresh chunks carry their lines in `data`; sealed ones name an object in storage.

    Either way the bytes are zlib-compressed JSON: the list of line segments (see `peon.protocol.events`) in order.
    """

    id = models.BigAutoField(primary_key=True)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="log_chunks")
    first_line = models.BigIntegerField()
    line_count = models.IntegerField()
    status_line_count = models.IntegerField(
        default=0, help_text="so that status lines are found without reading all"
    )
    first_time = models.DateTimeField()
    raw_size_bytes = models.IntegerField()
    data = models.BinaryField(null=True)
    storage_key = models.CharField(max_length=512, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["execution", "first_line"], name="log_chunk_unique"),
            models.CheckConstraint(
                condition=Q(data__isnull=False) ^ ~Q(storage_key=""), name="log_chunk_in_exactly_one_place"
            ),
        ]

    def __str__(self) -> str:
        return f"lines {self.first_line} to {self.first_line + self.line_count - 1}"


class MetadataChunk(models.Model):
    """A run of metadata events, packed by column: zlib-compressed JSON
    `{"line": [...], "time": [microseconds...], "columns": {key: [value or null, ...]}}`, lists of equal length."""

    id = models.BigAutoField(primary_key=True)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="metadata_chunks")
    first_index = models.BigIntegerField()
    event_count = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["execution", "first_index"], name="metadata_chunk_unique")
        ]

    def __str__(self) -> str:
        return f"events {self.first_index} to {self.first_index + self.event_count - 1}"


class ResourceSample(models.Model):
    """Resource use of an execution over one interval, averaged, with its extremes."""

    id = models.BigAutoField(primary_key=True)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="resource_samples")
    started_at = models.DateTimeField()
    values = models.JSONField(help_text="key of the stats event -> {min, avg, max}")
    sample_count = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["execution", "started_at"], name="resource_sample_unique")
        ]

    def __str__(self) -> str:
        return f"{self.execution} at {self.started_at}"
