"""Packages of a version in the public API: how far they are, asking for them, removing them."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.rest.times import timestamp
from datastores.datasets import selectors
from datastores.datasets.packaging import services
from datastores.datasets.packaging.selectors import Packaging, packaging_of
from datastores.models import DatasetPackage, DatasetVersion


class DatasetPackageShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.CharField(help_text="`waiting`, `building`, `ready` or `failed`.")
    file_count = serializers.IntegerField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField(allow_null=True)
    attempts = serializers.IntegerField()
    problem = serializers.CharField(help_text="Why the last attempt failed; empty when it did not.")
    ready_at = serializers.DateTimeField(allow_null=True)


class DatasetPackagingShape(serializers.Serializer[Any]):
    wanted = serializers.BooleanField()
    state = serializers.CharField(
        help_text="`none` (not wanted), `waiting`, `building`, `ready`, `failed`, or `nothing`: there are no two small files."
    )
    file_count = serializers.IntegerField(help_text="Files that jobs get in packages now.")
    size = serializers.IntegerField(help_text="Bytes of the packages that are ready.")
    problem = serializers.CharField()
    packages = DatasetPackageShape(many=True)


class VersionPackagingView(APIView):
    """Many small files of a version in a few large objects, which workers take instead. What a job sees is the same."""

    @extend_schema(operation_id="dataset-versions-packaging", responses=DatasetPackagingShape)
    def get(self, request: Request, version_id: UUID) -> Response:
        return Response(_body(selectors.get_version(request.user, version_id)))

    @extend_schema(
        operation_id="dataset-versions-packaging-request",
        request=None,
        responses={202: DatasetPackagingShape},
    )
    def post(self, request: Request, version_id: UUID) -> Response:
        """Make packages in the background; those that failed are tried again. Repeating it changes nothing."""
        version = selectors.get_version(request.user, version_id)
        services.request_packages(version=version, actor=user_of(request))
        return Response(_body(version), status=status.HTTP_202_ACCEPTED)

    @extend_schema(operation_id="dataset-versions-packaging-remove", responses={204: None})
    def delete(self, request: Request, version_id: UUID) -> Response:
        """Workers get the files one by one from now on."""
        version = selectors.get_version(request.user, version_id)
        services.remove_packages(version=version, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _body(version: DatasetVersion) -> dict[str, Any]:
    found: Packaging = packaging_of(version)
    return {
        "wanted": version.wants_package,
        "state": found.state.value,
        "file_count": found.file_count,
        "size": found.size_bytes,
        "problem": found.problem,
        "packages": [_package(package) for package in found.packages],
    }


def _package(package: DatasetPackage) -> dict[str, Any]:
    return {
        "id": str(package.pk),
        "status": package.status,
        "file_count": package.file_count,
        "size": package.size_bytes,
        "sha256": package.sha256 or None,
        "attempts": package.attempts,
        "problem": package.problem,
        "ready_at": timestamp(package.ready_at) if package.ready_at else None,
    }
