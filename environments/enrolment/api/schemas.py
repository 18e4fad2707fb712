"""Shapes of tokens and enrolled workers in the public API."""

from typing import Any

from rest_framework import serializers

from environments.enrolment.types import LONGEST_LIFETIME, MOST_USES

_MOST_HOURS = LONGEST_LIFETIME.days * 24


class TokenWish(serializers.Serializer[Any]):
    uses = serializers.IntegerField(
        default=1, min_value=1, max_value=MOST_USES, help_text="how many machines it lets in"
    )
    lifetime_hours = serializers.IntegerField(default=24, min_value=1, max_value=_MOST_HOURS)


class TokenShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    hint = serializers.CharField(help_text="how the token begins")
    creator = serializers.DictField(allow_null=True)
    machine_id = serializers.CharField()
    uses = serializers.IntegerField()
    used = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    ctime = serializers.DateTimeField()


class IssuedShape(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="shown this once")
    command = serializers.CharField(help_text="to run on the machine")


class EnrolledWorkerShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    identity = serializers.CharField()
    host = serializers.CharField()
    agent_version = serializers.CharField()
    runtime = serializers.CharField()
    facts = serializers.DictField()
    machine_id = serializers.CharField()
    last_seen_at = serializers.DateTimeField()
    cloned_by = serializers.CharField(
        allow_null=True,
        help_text="host of another machine that was refused under this identity within the last day",
    )
    ctime = serializers.DateTimeField()
