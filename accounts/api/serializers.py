"""Shapes of users and tokens."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import ApiToken, User
from accounts.selectors import end_of
from common import clock


class LoginSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1024, trim_whitespace=False)


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()


class UserSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.SerializerMethodField(help_text="one's own, and for superusers; else empty")
    first_name = serializers.CharField()
    last_name = serializers.CharField()

    def get_email(self, user: User) -> str:
        viewer = self.context["request"].user
        return user.email if viewer.is_superuser or viewer.pk == user.pk else ""


class LoginLinkSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()


class ServerSerializer(serializers.Serializer[Any]):
    flavor = serializers.CharField()
    version = serializers.CharField()


class ApiTokenSerializer(serializers.Serializer[Any]):
    """A token without its secret. The context has `longest_life`, what the user's organizations allow."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    hint = serializers.CharField(help_text="the first characters of the secret")
    access_scope = serializers.ChoiceField(choices=ApiToken.AccessScope.choices)
    ctime = serializers.DateTimeField(source="created_at")
    expires_at = serializers.SerializerMethodField(
        help_text="when it stops working; null: when it is revoked"
    )
    last_used_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_expires_at(self, token: ApiToken) -> str | None:
        end = end_of(token, self.context["longest_life"])
        return serializers.DateTimeField().to_representation(end) if end else None


class NewApiTokenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    access_scope = serializers.ChoiceField(
        choices=ApiToken.AccessScope.choices, default=ApiToken.AccessScope.FULL
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is not None and value <= clock.now():
            raise serializers.ValidationError("This moment is over already.", "past")
        return value


class CreatedApiTokenSerializer(ApiTokenSerializer):
    token = serializers.CharField(help_text="the secret; it is shown this once")
