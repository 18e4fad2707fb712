"""Projects, commits and repositories in the public API: parse, ask, answer."""

from typing import Any

from django.conf import settings
from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.rest.params import names
from organizations.access import Capability, require
from projects import selectors, services
from projects.api import filters, schemas
from projects.api.links import Links
from projects.api.representation import (
    represent_commit,
    represent_commit_detail,
    represent_projects,
    represent_repository,
)
from projects.models import Commit, Project, Repository
from projects.packages import PackageRefused

PROJECT_ID = OpenApiParameter("project_id", OpenApiTypes.UUID, location="path")
IDENTIFIER = OpenApiParameter(
    "identifier", location="path", description="Identifier (`~…` for ad-hoc code) or id."
)
_FORM_BYTES = 1024 * 1024  # what surrounds the file in an upload


class ProjectListView(GenericAPIView[Project]):
    serializer_class = schemas.ProjectShape
    filter_backends = ()
    queryset = Project.objects.none()

    @extend_schema(operation_id="projects_list", parameters=filters.PROJECT_PARAMETERS)
    def get(self, request: Request) -> Response:
        visible = filters.filter_projects(selectors.projects_for(request.user), request)
        page = self.paginate_queryset(visible) or []
        return self.get_paginated_response(represent_projects(page, request, names(request, "exclude")))

    @extend_schema(
        operation_id="projects_create", request=schemas.ProjectCreate, responses={201: schemas.ProjectShape}
    )
    def post(self, request: Request) -> Response:
        given = _validated(schemas.ProjectCreate, request)
        user = user_of(request)
        owner, team = selectors.resolve_owner(user, given["owner"]) if given["owner"] else (None, None)
        project = services.create_project(
            actor=user, name=given["name"], owner=owner, team=team, description=given["description"],
            yaml_path=given["yaml_path"], default_notifications=given["default_notifications"],
        )  # fmt: skip
        return Response(_shown(project, request), status=status.HTTP_201_CREATED)


class OwnershipOptionsView(APIView):
    @extend_schema(operation_id="projects_ownership_options", responses={200: list[str]})
    def get(self, request: Request) -> Response:
        return Response(selectors.ownership_options(user_of(request)))


class ProjectDetailView(APIView):
    @extend_schema(
        operation_id="projects_retrieve",
        parameters=[PROJECT_ID, filters.EXCLUDE],
        responses=schemas.ProjectShape,
    )
    def get(self, request: Request, project_id: str) -> Response:
        project = selectors.get_project(request.user, project_id)
        return Response(_shown(project, request))

    @extend_schema(
        operation_id="projects_update", parameters=[PROJECT_ID], request=schemas.ProjectChange,
        responses=schemas.ProjectShape,
    )  # fmt: skip
    def put(self, request: Request, project_id: str) -> Response:
        return self._change(request, project_id)

    @extend_schema(
        operation_id="projects_partial_update", parameters=[PROJECT_ID], request=schemas.ProjectChange,
        responses=schemas.ProjectShape,
    )  # fmt: skip
    def patch(self, request: Request, project_id: str) -> Response:
        return self._change(request, project_id)

    @extend_schema(operation_id="projects_destroy", parameters=[PROJECT_ID], responses={204: None})
    def delete(self, request: Request, project_id: str) -> Response:
        services.delete_project(
            project=selectors.get_project(request.user, project_id), actor=user_of(request)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @transaction.atomic
    def _change(self, request: Request, project_id: str) -> Response:
        project = selectors.get_project(request.user, project_id)
        changes = _validated(schemas.ProjectChange, request)
        if "owner" in changes:
            project = _transferred(project, changes.pop("owner"), request)
        if "default_environment" in changes:
            changes["default_environment_slug"] = changes.pop("default_environment") or ""
        project = services.update_project(project=project, actor=user_of(request), **changes)
        return Response(_shown(project, request))


class ProjectTransferView(APIView):
    """Give the project to another owner; what the new owner may not use is no longer chosen in its settings."""

    @extend_schema(
        operation_id="projects_transfer", parameters=[PROJECT_ID], request=schemas.ProjectTransfer,
        responses=schemas.ProjectShape,
    )  # fmt: skip
    def post(self, request: Request, project_id: str) -> Response:
        project = selectors.get_project(request.user, project_id)
        owner = _validated(schemas.ProjectTransfer, request)["owner"]
        return Response(_shown(_transferred(project, owner, request), request))


class ProjectCommitsView(APIView):
    @extend_schema(
        operation_id="projects_commits", parameters=[PROJECT_ID], responses=schemas.CommitShape(many=True)
    )
    def get(self, request: Request, project_id: str) -> Response:
        project = selectors.get_project(request.user, project_id)
        links = Links(request)
        return Response(
            [represent_commit(commit, links) for commit in selectors.commits_for(request.user, project)]
        )


class ProjectFetchView(APIView):
    @extend_schema(
        operation_id="projects_fetch",
        parameters=[PROJECT_ID],
        request=None,
        responses={201: schemas.FetchShape},
    )
    def post(self, request: Request, project_id: str) -> Response:
        project = selectors.get_project(request.user, project_id)
        result = services.fetch_repository(project=project, actor=user_of(request))
        new = [commit.pk for commit in result.commits]
        rows = selectors.commits_for(request.user, project).filter(pk__in=new)
        links = Links(request)
        answer = {"commits": [represent_commit(row, links) for row in rows], "errors": result.errors}
        return Response(answer, status=status.HTTP_201_CREATED)


class ProjectVariableView(APIView):
    @extend_schema(
        operation_id="projects_set_environment_variable", parameters=[PROJECT_ID], request=schemas.VariableSet,
        responses={201: schemas.NamedVariable},
    )  # fmt: skip
    def post(self, request: Request, project_id: str) -> Response:
        project = selectors.get_project(request.user, project_id)
        given = _validated(schemas.VariableSet, request)
        variable = services.set_variable(project=project, actor=user_of(request), **given)
        value = None if variable.secret else variable.value
        answer = {"name": variable.name, "value": value, "secret": variable.secret}
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="projects_delete_environment_variable", parameters=[PROJECT_ID],
        request=schemas.VariableName, responses={204: None},
    )  # fmt: skip
    def delete(self, request: Request, project_id: str) -> Response:
        project = selectors.get_project(request.user, project_id)
        name = _validated(schemas.VariableName, request)["name"]
        services.delete_variable(project=project, actor=user_of(request), name=name)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProjectPackageView(APIView):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="projects_import_package", parameters=[PROJECT_ID],
        request={"multipart/form-data": schemas.PackageUpload}, responses={201: schemas.CommitShape},
    )  # fmt: skip
    def post(self, request: Request, project_id: str) -> Response:
        project = selectors.get_project(request.user, project_id)
        _refuse_oversize(request)
        given = _validated(schemas.PackageUpload, request)
        commit = services.import_package(
            project=project, actor=user_of(request), archive=given["data"], description=given["description"],
            yaml_path=given["yaml_path"],
        )  # fmt: skip
        row = selectors.commits_for(request.user, project).get(pk=commit.pk)
        return Response(represent_commit(row, Links(request)), status=status.HTTP_201_CREATED)


class CommitListView(GenericAPIView[Commit]):
    serializer_class = schemas.CommitShape
    filter_backends = ()
    queryset = Commit.objects.none()

    @extend_schema(operation_id="commits_list", parameters=filters.COMMIT_PARAMETERS)
    def get(self, request: Request) -> Response:
        # Clients ask for thousands of rows of one project: it is read once, not joined to every row.
        visible = selectors.commits_for(request.user).select_related(None).prefetch_related("project__owner")
        page = self.paginate_queryset(filters.filter_commits(visible, request)) or []
        links, exclude = Links(request), names(request, "exclude")
        rows = (represent_commit(commit, links) for commit in page)
        return self.get_paginated_response(
            [{name: value for name, value in row.items() if name not in exclude} for row in rows]
        )


class CommitDetailView(APIView):
    @extend_schema(
        operation_id="commits_retrieve",
        parameters=[
            IDENTIFIER,
            OpenApiParameter("project", OpenApiTypes.UUID, description="Only in this project."),
            OpenApiParameter("include", description="`config`: with the parsed configuration file."),
        ],
        responses=schemas.CommitDetailShape,
    )
    def get(self, request: Request, identifier: str) -> Response:
        project_id = request.query_params.get("project")
        project = selectors.get_project(request.user, project_id) if project_id else None
        commit = selectors.get_commit(request.user, identifier, project)
        with_config = "config" in names(request, "include")
        return Response(represent_commit_detail(commit, Links(request), with_config=with_config))


class RepositoryListView(GenericAPIView[Repository]):
    serializer_class = schemas.RepositoryShape
    filter_backends = ()
    queryset = Repository.objects.none()

    @extend_schema(operation_id="repositories_list")
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(selectors.repositories_for(request.user)) or []
        links = Links(request)
        return self.get_paginated_response([represent_repository(repository, links) for repository in page])


def _transferred(project: Project, owner_text: str, request: Request) -> Project:
    user = user_of(request)
    # Who may not give it away is told so, whatever they named.
    require(user, Capability.ADMINISTER, project)
    owner, team = selectors.resolve_owner(user, owner_text)
    return services.transfer_project(project=project, actor=user, owner=owner, team=team)


def _shown(project: Project, request: Request) -> dict[str, Any]:
    return represent_projects([project], request, names(request, "exclude"))[0]


def _validated(shape: type[Any], request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    validated: dict[str, Any] = body.validated_data
    return validated


def _refuse_oversize(request: Request) -> None:
    """Before the body is read to disk."""
    limit = int(settings.PACKAGE_MAX_MB)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > limit * 1024 * 1024 + _FORM_BYTES:
        raise PackageRefused(
            f"The package is larger than {limit} MB. Leave data out, for example with .vhignore."
        )
