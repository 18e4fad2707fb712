"""The shapes of answers, for the OpenAPI document. `representation` makes them; a test keeps the two equal."""

from typing import Any

from rest_framework import serializers
from rest_framework.serializers import Serializer

from executions.types import Status


class OwnerBrief(Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class DisplayUrls(Serializer[Any]):
    display = serializers.URLField()


class ProjectBrief(Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    owner = OwnerBrief()
    url = serializers.URLField()
    urls = DisplayUrls()


class CommitBrief(Serializer[Any]):
    repository = serializers.IntegerField(allow_null=True)
    identifier = serializers.CharField()
    ref = serializers.CharField()
    adhoc = serializers.BooleanField()
    commit_time = serializers.DateTimeField()
    url = serializers.URLField()


class EnvironmentBrief(Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    description = serializers.CharField()
    enabled = serializers.BooleanField()
    type = serializers.CharField()
    provider = serializers.CharField(allow_null=True)
    has_gpu = serializers.BooleanField()
    owner = OwnerBrief(allow_null=True)
    url = serializers.URLField()


class ExecutionUrls(Serializer[Any]):
    copy = serializers.URLField()
    copy_to_task = serializers.URLField()
    display = serializers.URLField()
    stop = serializers.URLField()


class InputValue(Serializer[Any]):
    name = serializers.CharField()
    urls = serializers.ListField(child=serializers.CharField())


class ExecutionRow(Serializer[Any]):
    id = serializers.UUIDField()
    counter = serializers.IntegerField(help_text="Number within the project.")
    ctime = serializers.DateTimeField()
    mtime = serializers.DateTimeField()
    queue_time = serializers.DateTimeField(allow_null=True)
    start_time = serializers.DateTimeField(allow_null=True)
    end_time = serializers.DateTimeField(allow_null=True)
    duration = serializers.FloatField(allow_null=True, help_text="Seconds since the start, or until the end.")
    status = serializers.ChoiceField(choices=list(Status))
    status_detail = serializers.CharField(allow_null=True, help_text="Set by the running job.")
    waiting_reason = serializers.CharField(allow_null=True, help_text="Why it is not running yet.")
    error_text = serializers.CharField(allow_null=True)
    exit_code = serializers.IntegerField(allow_null=True)
    title = serializers.CharField()
    step = serializers.CharField()
    step_icon = serializers.CharField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    task_tags = serializers.ListField(child=serializers.CharField())
    pipeline_tags = serializers.ListField(child=serializers.CharField())
    project = ProjectBrief()
    commit = CommitBrief(allow_null=True)
    task = serializers.UUIDField(allow_null=True)
    task_counter = serializers.IntegerField(allow_null=True)
    pipeline = serializers.UUIDField(allow_null=True)
    pipeline_counter = serializers.IntegerField(allow_null=True)
    environment = EnvironmentBrief()
    image = serializers.CharField()
    priority = serializers.IntegerField()
    price = serializers.FloatField(help_text="US dollars so far.")
    emissions = serializers.FloatField(allow_null=True)
    executor_identity = serializers.CharField()
    creator_id = serializers.CharField(allow_null=True)
    creator_name = serializers.CharField(allow_null=True)
    n_alerts = serializers.IntegerField(help_text="Things that whoever looks at the run should know.")
    n_comments = serializers.IntegerField()
    n_outputs = serializers.IntegerField()
    is_pinned = serializers.BooleanField()
    deleted = serializers.BooleanField()
    url = serializers.URLField()
    urls = ExecutionUrls()


class Alert(Serializer[Any]):
    kind = serializers.CharField(help_text="`input_changed`: an address gave something else than before.")
    text = serializers.CharField()
    time = serializers.DateTimeField()


class MountValue(Serializer[Any]):
    """As the step wants it; what the environment allows of it, the log says."""

    kind = serializers.ChoiceField(choices=["host", "nfs", "smb"])
    host = serializers.CharField(help_text="The machine that gives it; empty for the worker's own.")
    path = serializers.CharField()
    destination = serializers.CharField()
    readonly = serializers.BooleanField()
    options = serializers.DictField(child=serializers.CharField())


class ExecutionDetail(ExecutionRow):
    queue_position = serializers.IntegerField(allow_null=True, help_text="Jobs of its queue before it.")
    command = serializers.CharField()
    interpolated_command = serializers.CharField()
    inputs = InputValue(many=True)
    parameters = serializers.DictField()
    parameter_categories = serializers.DictField(allow_null=True)
    environment_variables = serializers.DictField(child=serializers.CharField())
    environment_variable_groups = serializers.ListField(child=serializers.CharField())
    inherit_environment_variables = serializers.BooleanField()
    runtime_config = serializers.DictField()
    mounts = MountValue(many=True)
    time_limit = serializers.IntegerField(allow_null=True, help_text="Seconds.")
    stop_expression = serializers.CharField()
    cumulative_metadata = serializers.DictField(help_text="The latest value of every key.")
    runtime_facts = serializers.DictField()
    alerts = Alert(many=True)
    latest_stats = serializers.DictField()
    log_line_count = serializers.IntegerField()
    metadata_count = serializers.IntegerField()
    outputs = serializers.ListField(child=serializers.DictField())
    events = serializers.ListField(child=serializers.DictField(), help_text="The last 100 log lines.")
    metadata = serializers.ListField(child=serializers.DictField(), help_text="The last 100 metadata events.")


class ExecutionChange(Serializer[Any]):
    title = serializers.CharField(required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)


class Tags(Serializer[Any]):
    tags = serializers.ListField(child=serializers.CharField(allow_blank=True))


class Message(Serializer[Any]):
    message = serializers.CharField()


class ExecutionPayload(Serializer[Any]):
    """The body of a creation that repeats the execution."""

    project = serializers.UUIDField()
    commit = serializers.CharField()
    step = serializers.CharField()
    environment = serializers.CharField()
    image = serializers.CharField()
    command = serializers.CharField()
    title = serializers.CharField()
    inputs = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    parameters = serializers.DictField()
    environment_variables = serializers.DictField(child=serializers.CharField())
    environment_variable_groups = serializers.ListField(child=serializers.CharField())
    inherit_environment_variables = serializers.BooleanField()
    tags = serializers.ListField(child=serializers.CharField())
    time_limit = serializers.IntegerField()
    priority = serializers.IntegerField()
    runtime_config = serializers.DictField()
    runtime_config_preset = serializers.CharField()
    stop_expression = serializers.CharField()


class ReproductionDifference(Serializer[Any]):
    field = serializers.CharField()
    weight = serializers.ChoiceField(choices=["blocks", "differs", "note"])
    message = serializers.CharField()
    was = serializers.CharField()
    now = serializers.CharField()


class Reproduction(Serializer[Any]):
    spec = ExecutionPayload()
    possible = serializers.BooleanField(help_text="Whether it can be created as it was.")
    differences = ReproductionDifference(many=True)
