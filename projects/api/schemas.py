"""Shapes of requests, and of answers for the API's own documentation. Answers are made in `representation`."""

from typing import Any

from rest_framework import serializers

from projects.models import DEFAULT_YAML_PATH


class OwnerShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class CommitUrls(serializers.Serializer[Any]):
    display = serializers.CharField()


class ProjectUrls(serializers.Serializer[Any]):
    display = serializers.CharField()
    display_repository = serializers.CharField()


class ProjectRepositoryShape(serializers.Serializer[Any]):
    id = serializers.IntegerField(required=False)
    url = serializers.CharField()
    ref = serializers.CharField()


class VariableShape(serializers.Serializer[Any]):
    value = serializers.CharField(allow_null=True, help_text="null for a secret")
    secret = serializers.BooleanField()


class ProjectTagShape(serializers.Serializer[Any]):
    project = serializers.UUIDField()
    name = serializers.CharField()
    color = serializers.CharField()


class ProjectShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    owner = OwnerShape()
    ctime = serializers.DateTimeField()
    mtime = serializers.DateTimeField()
    url = serializers.CharField()
    urls = ProjectUrls()
    execution_count = serializers.IntegerField()
    running_execution_count = serializers.IntegerField()
    queued_execution_count = serializers.IntegerField()
    enabled_endpoint_count = serializers.IntegerField()
    last_execution_ctime = serializers.DateTimeField(allow_null=True)
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # the contract's name
    yaml_path = serializers.CharField()
    execution_summary = serializers.DictField(child=serializers.IntegerField())
    environment_variables = serializers.DictField(child=VariableShape())
    repository = ProjectRepositoryShape()
    tags = ProjectTagShape(many=True)
    upload_store_id = serializers.UUIDField(allow_null=True)
    default_store = serializers.UUIDField(allow_null=True)
    default_environment = serializers.CharField(allow_null=True)
    default_notifications = serializers.BooleanField()
    template = serializers.CharField(allow_null=True)


class ProjectCreate(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=64)
    description = serializers.CharField(required=False, allow_blank=True, default="")
    owner = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, default="",
        help_text="a user, an organization or organization:team; you, when nothing is given",
    )  # fmt: skip
    yaml_path = serializers.CharField(
        required=False, allow_blank=True, default=DEFAULT_YAML_PATH, max_length=255
    )
    default_notifications = serializers.BooleanField(required=False, default=True)
    template = serializers.CharField(required=False, allow_blank=True, allow_null=True, write_only=True)


class ProjectChange(serializers.Serializer[Any]):
    """Whatever is absent stays as it is, for PUT as for PATCH."""

    name = serializers.CharField(required=False, max_length=64)
    description = serializers.CharField(required=False, allow_blank=True)
    owner = serializers.CharField(required=False, help_text="a user, an organization or organization:team")
    yaml_path = serializers.CharField(required=False, allow_blank=True, max_length=255)
    default_environment = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=128, help_text="slug of an environment"
    )
    upload_store_id = serializers.UUIDField(required=False, allow_null=True)
    default_notifications = serializers.BooleanField(required=False)


class ProjectTransfer(serializers.Serializer[Any]):
    owner = serializers.CharField(
        max_length=200, help_text="one of `ownership_options`: a user, an organization or organization:team"
    )


class VariableSet(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=128)
    value = serializers.CharField(allow_blank=True, trim_whitespace=False)
    secret = serializers.BooleanField(required=False, default=False)


class VariableName(serializers.Serializer[Any]):
    name = serializers.CharField()


class NamedVariable(VariableShape):
    name = serializers.CharField()


class PackageUpload(serializers.Serializer[Any]):
    data = serializers.FileField(help_text="gzipped tar of the code")  # type: ignore[assignment]  # likewise
    description = serializers.CharField(required=False, allow_blank=True, default="")
    yaml_path = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=255, help_text="the project's, when empty"
    )


class CommitShape(serializers.Serializer[Any]):
    repository = serializers.IntegerField(allow_null=True)
    ref = serializers.CharField()
    ref_names = serializers.ListField(child=serializers.CharField())
    identifier = serializers.CharField()
    commit_time = serializers.DateTimeField()
    ctime = serializers.DateTimeField()
    description = serializers.CharField()
    adhoc = serializers.BooleanField()
    has_config = serializers.BooleanField()
    yaml_path = serializers.CharField()
    project_id = serializers.UUIDField()
    url = serializers.CharField()
    urls = CommitUrls()


class ConfigProblemShape(serializers.Serializer[Any]):
    line = serializers.IntegerField(allow_null=True)
    message = serializers.CharField()


class CommitDetailShape(CommitShape):
    config_errors = ConfigProblemShape(many=True)
    missing_parts = serializers.ListField(child=serializers.CharField())
    config = serializers.ListField(
        child=serializers.DictField(), required=False, allow_null=True, help_text="with `include=config`"
    )


class FetchShape(serializers.Serializer[Any]):
    commits = CommitShape(many=True)
    errors = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]  # likewise


class RepositoryProject(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.CharField()


class RepositoryShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    url = serializers.CharField()
    ref = serializers.CharField()
    project = RepositoryProject()
    public_key = serializers.CharField()
    lfs_enabled = serializers.BooleanField()
    last_fetch_time = serializers.DateTimeField(allow_null=True)
    last_fetch_errors = serializers.ListField(child=serializers.CharField())
