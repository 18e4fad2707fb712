"""Linking a project to its repository by script, as the settings page does."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from projects import selectors, services
from projects.api.links import Links
from projects.api.representation import represent_repository
from projects.api.schemas import RepositoryShape
from projects.models import DEFAULT_FETCH_REFERENCE


class RepositoryLink(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=1024)
    fetch_reference = serializers.CharField(max_length=1024, default=DEFAULT_FETCH_REFERENCE)
    access_token = serializers.CharField(
        required=False, allow_blank=True, help_text="write-only; absent: kept"
    )
    private_key = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, help_text="write-only; absent: kept"
    )
    lfs_enabled = serializers.BooleanField(default=False)


class ProjectRepositoryView(APIView):
    @extend_schema(
        operation_id="projects_set_repository",
        parameters=[OpenApiParameter("project_id", OpenApiTypes.UUID, location="path")],
        request=RepositoryLink,
        responses=RepositoryShape,
    )
    def put(self, request: Request, project_id: str) -> Response:
        project = selectors.get_project(request.user, project_id)
        body = RepositoryLink(data=request.data)
        body.is_valid(raise_exception=True)
        repository = services.set_repository(project=project, actor=user_of(request), **body.validated_data)
        return Response(represent_repository(repository, Links(request)))
