"""The shape of an environment, for the API's own documentation."""

from typing import Any

from rest_framework import serializers


class EnvironmentOwner(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class EnvironmentShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    enabled = serializers.BooleanField()
    owner = EnvironmentOwner(allow_null=True)
    type = serializers.CharField()
    provider = serializers.CharField(allow_null=True)
    has_gpu = serializers.BooleanField()
    gpu_spec = serializers.CharField()
    is_scalable = serializers.BooleanField()
    spot = serializers.BooleanField()
    spot_max_price = serializers.FloatField()
    allow_personal_usage = serializers.BooleanField()
    bill_usage = serializers.BooleanField()
    can_admin = serializers.BooleanField()
    per_hour_price_usd = serializers.CharField(help_text="decimal number")
    per_user_queue_quota = serializers.IntegerField(help_text="0: no limit")
    per_user_resource_quotas = serializers.DictField(allow_null=True)
    unfinished_job_count = serializers.IntegerField(required=False, help_text="with `include`")
    scale_min = serializers.IntegerField()
    scale_max = serializers.IntegerField()
    scale_down_grace_period = serializers.IntegerField(help_text="minutes")
    enable_smart_vm_selection = serializers.BooleanField()
    supports_priority = serializers.BooleanField()
    ctime = serializers.DateTimeField()
    mtime = serializers.DateTimeField()
    url = serializers.CharField()
