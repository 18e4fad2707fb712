"""Shapes of users, organizations and teams."""

from typing import Any

from rest_framework import serializers


class LoginSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1024, trim_whitespace=False)


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()


class UserSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()


class LoginLinkSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()


class ServerSerializer(serializers.Serializer[Any]):
    flavor = serializers.CharField()
    version = serializers.CharField()
