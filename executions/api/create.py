"""Reads the body of a creation: JSON, or a form with the minimum. What the values mean is decided in `executions.spec`."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from executions.types import ExecutionSpec


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.JSONField):
    """A JSON object; null counts as not given. In a form it is the text of one."""

    default_error_messages = {"not_an_object": "Expected an object of names and values."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if not isinstance(value, dict):
            self.fail("not_an_object")
        return value


@extend_schema_field(
    {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
)
class InputsField(ObjectField):
    """Name -> list of addresses; a single address as plain text is taken too."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        value: dict[str, Any] = super().to_internal_value(data)
        for name, addresses in value.items():
            if addresses is not None and not isinstance(addresses, str | list):
                raise serializers.ValidationError(
                    f"Input '{name}': send a list of addresses.", code="not_a_list"
                )
        return value


class SwitchField(serializers.BooleanField):
    """A boolean that a form may leave out without meaning False."""

    default_empty_html = empty


class ExecutionCreateSerializer(serializers.Serializer[ExecutionSpec]):
    project = serializers.UUIDField()
    commit = serializers.CharField(max_length=255, help_text="Hash, `~hash`, or name of a branch or tag.")
    step = serializers.CharField(max_length=255)
    environment = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=255)
    image = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=512)
    command = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        trim_whitespace=False,
        help_text="Replaces the step's.",
    )
    title = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=255)
    inputs = InputsField()
    parameters = ObjectField()
    environment_variables = ObjectField()
    environment_variable_groups = serializers.ListField(
        child=serializers.CharField(max_length=255), required=False, allow_null=True
    )
    inherit_environment_variables = SwitchField(required=False, allow_null=True)
    tags = serializers.ListField(
        child=serializers.CharField(allow_blank=True, max_length=128), required=False, allow_null=True
    )
    time_limit = serializers.FloatField(required=False, allow_null=True, help_text="Seconds; 0: none.")
    priority = serializers.IntegerField(required=False, allow_null=True)
    runtime_config = ObjectField()
    runtime_config_preset = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=255
    )
    stop_expression = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=4096
    )
    copied_from = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="The execution of the same project that this one was copied from, for the audit log.",
    )

    def validate_runtime_config(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        timeout = (value or {}).get("no_output_timeout")
        if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
            raise serializers.ValidationError(
                "no_output_timeout must be a number of seconds.", code="invalid"
            )
        return value

    def spec(self) -> ExecutionSpec:
        """What was asked, once `is_valid` has been true."""
        data = self.validated_data
        runtime_config = dict(data.get("runtime_config") or {})
        inherit = data.get("inherit_environment_variables")
        return ExecutionSpec(
            commit=data["commit"],
            step=data["step"],
            environment=data.get("environment"),
            image=data.get("image"),
            command=data.get("command"),
            title=data.get("title") or "",
            inputs=data.get("inputs"),
            parameters=data.get("parameters"),
            environment_variables=data.get("environment_variables"),
            environment_variable_groups=data.get("environment_variable_groups"),
            inherit_environment_variables=True if inherit is None else inherit,
            tags=data.get("tags") or (),
            time_limit_seconds=data.get("time_limit"),
            no_output_timeout_seconds=runtime_config.pop("no_output_timeout", None),
            priority=data.get("priority") or 0,
            runtime_config=runtime_config,
            runtime_config_preset=data.get("runtime_config_preset") or "",
            stop_expression=data.get("stop_expression"),
        )
