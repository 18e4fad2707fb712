"""Datasets, their versions and aliases in the public API."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.rest.bodies import validated
from common.rest.params import boolean, names
from datastores.api.datasets import bodies, shapes
from datastores.datasets import access, contents, selectors, services
from datastores.datasets.errors import VersionNotFound
from datastores.datasets.services import NewVersion
from datastores.models import Dataset, DatasetFile, DatasetVersion, DatasetVersionAlias
from projects.models import Project
from projects.selectors import as_uuid

DIFFERENCE_FILES = 1000
_LIST = [
    OpenApiParameter("name", description="Exact, whatever its case."),
    OpenApiParameter("search", description="Part of the name, or a tag."),
    OpenApiParameter("tag", many=True, description="Repeatable; every one has to be there."),
    OpenApiParameter("ordering", enum=["ctime", "-ctime", "name", "-name", "mtime", "-mtime"]),
    OpenApiParameter("no_count", OpenApiTypes.BOOL),
]
_ORDERINGS = {"ctime": "id", "id": "id", "name": "name", "mtime": "updated_at"}
_PROJECT = OpenApiParameter("project", OpenApiTypes.UUID, description="Those that the project can use.")
_DATASET = OpenApiParameter("dataset", OpenApiTypes.UUID)


class DatasetListView(GenericAPIView[Dataset]):
    serializer_class = shapes.DatasetShape
    filter_backends = ()
    queryset = Dataset.objects.none()

    @extend_schema(
        operation_id="datasets-list", parameters=[_PROJECT, *_LIST], responses=shapes.DatasetShape(many=True)
    )
    def get(self, request: Request) -> Response:
        datasets = access.datasets_for(request.user)
        if "project" in request.query_params:
            datasets = selectors.usable_in(datasets, request.user, as_uuid(request.query_params["project"]))
        found = _listed(datasets, request, "name").prefetch_related(
            Prefetch("projects", Project.objects.only("pk", "owner_id"))
        )
        page = self.paginate_queryset(found) or []
        latest = selectors.latest_of_each(page)
        rows = [shapes.dataset_body(row, request, latest.get(row.pk)) for row in page]
        return self.get_paginated_response(rows)

    @extend_schema(
        operation_id="datasets-create", request=bodies.DatasetCreate, responses={201: shapes.DatasetShape}
    )
    def post(self, request: Request) -> Response:
        """Without `associated_project_ids` it is there for every project of its owner."""
        given = validated(bodies.DatasetCreate, request)
        dataset = services.create_dataset(
            actor=user_of(request),
            owner=bodies.owner_named(user_of(request), given.pop("owner", None)),
            name=given.pop("name"),
            project_ids=given.pop("associated_project_ids", None),
            **given,
        )
        return Response(shapes.dataset_body(dataset, request, None), status=status.HTTP_201_CREATED)


class DatasetDetailView(APIView):
    @extend_schema(operation_id="datasets-retrieve", responses=shapes.DatasetShape)
    def get(self, request: Request, dataset_id: UUID) -> Response:
        return self._shown(selectors.get_dataset(request.user, dataset_id), request)

    @extend_schema(
        operation_id="datasets-update", request=bodies.DatasetChange, responses=shapes.DatasetShape
    )
    def patch(self, request: Request, dataset_id: UUID) -> Response:
        dataset = selectors.get_dataset(request.user, dataset_id)
        given = validated(bodies.DatasetChange, request, partial=True)
        actor = user_of(request)
        if "associated_project_ids" in given:
            project_ids = given.pop("associated_project_ids")
            dataset = services.share_dataset(dataset=dataset, actor=actor, project_ids=project_ids)
        return self._shown(services.change_dataset(dataset=dataset, actor=actor, **given), request)

    @extend_schema(operation_id="datasets-destroy", responses={204: None})
    def delete(self, request: Request, dataset_id: UUID) -> Response:
        """Files stay. The name stays taken, so that no address changes its meaning."""
        dataset = selectors.get_dataset(request.user, dataset_id)
        services.delete_dataset(dataset=dataset, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _shown(self, dataset: Dataset, request: Request) -> Response:
        return Response(shapes.dataset_body(dataset, request, selectors.latest_of(dataset)))


class VersionListView(GenericAPIView[DatasetVersion]):
    serializer_class = shapes.DatasetVersionRowShape
    filter_backends = ()
    queryset = DatasetVersion.objects.none()

    @extend_schema(
        operation_id="dataset-versions-list",
        parameters=[_DATASET, OpenApiParameter("execution", OpenApiTypes.UUID, description="Made by its outputs."), *_LIST],
        responses=shapes.DatasetVersionRowShape(many=True),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        versions = selectors.versions_for(request.user).prefetch_related("aliases")
        for name, column in (("dataset", "dataset_id"), ("execution", "execution_id")):
            if name in request.query_params:
                versions = versions.filter(**{column: as_uuid(request.query_params[name]) or UUID(int=0)})
        page = self.paginate_queryset(_listed(versions, request, "-id")) or []
        return self.get_paginated_response([shapes.version_row(row, request) for row in page])

    @extend_schema(
        operation_id="dataset-versions-create",
        request=bodies.DatasetVersionCreate,
        responses={201: shapes.DatasetVersionRowShape},
    )
    def post(self, request: Request) -> Response:
        """Its files are the given ones and those of `from` without `exclude`. They never change afterwards."""
        given = validated(bodies.DatasetVersionCreate, request)
        actor = user_of(request)
        dataset = bodies.dataset_named(actor, given.pop("dataset"))
        base, previous = given.pop("base", None), given.pop("previous_version", None)
        new = NewVersion(
            **given,
            base=bodies.version_named(actor, base, "from", near=dataset) if base else None,
            previous=bodies.version_named(actor, previous, "previous_version") if previous else None,
        )
        version = services.create_version(dataset=dataset, actor=actor, new=new)
        return Response(shapes.version_row(version, request), status=status.HTTP_201_CREATED)


class VersionDetailView(APIView):
    @extend_schema(
        operation_id="dataset-versions-retrieve",
        parameters=[OpenApiParameter("exclude", description="`files` leaves them out.")],
        responses=shapes.DatasetVersionShape,
    )
    def get(self, request: Request, version_id: UUID) -> Response:
        version = selectors.get_version(request.user, version_id)
        with_files = "files" not in names(request, "exclude")
        return Response(shapes.version_body(version, request, with_files=with_files))

    @extend_schema(
        operation_id="dataset-versions-update",
        request=bodies.DatasetDescription,
        responses=shapes.DatasetVersionRowShape,
    )
    def patch(self, request: Request, version_id: UUID) -> Response:
        """What is said of it; its files never change."""
        version = selectors.get_version(request.user, version_id)
        given = validated(bodies.DatasetDescription, request, partial=True)
        changed = services.change_version(version=version, actor=user_of(request), **given)
        return Response(shapes.version_row(changed, request))


class VersionFilesView(GenericAPIView[DatasetFile]):
    """The files of a version, in pages."""

    serializer_class = shapes.DatasetFileShape
    filter_backends = ()
    queryset = DatasetFile.objects.none()

    @extend_schema(
        operation_id="dataset-versions-files",
        parameters=[OpenApiParameter("search", description="Every word of it is in the name."), _LIST[-1]],
        responses=shapes.DatasetFileShape(many=True),
    )
    def get(self, request: Request, version_id: UUID) -> Response:
        version = selectors.get_version(request.user, version_id)
        files = contents.files_of(version, request.query_params.get("search", "")).select_related(None)
        page = self.paginate_queryset(files.values_list(*shapes.FILE_COLUMNS)) or []
        return self.get_paginated_response(shapes.file_bodies(page, version.dataset.owner_id))


class VersionDiffView(APIView):
    """What a version has that another one has not, and the other way round."""

    @extend_schema(
        operation_id="dataset-versions-diff",
        parameters=[
            OpenApiParameter("to", OpenApiTypes.UUID, description="The older one. Default: the one before.")
        ],
        responses=shapes.DatasetDifferenceShape,
    )
    def get(self, request: Request, version_id: UUID) -> Response:
        new = selectors.get_version(request.user, version_id)
        older = request.query_params.get("to") or new.previous_version_id
        if older is None:
            raise VersionNotFound("to")
        old = selectors.get_version(request.user, older)
        found, owner_id = contents.difference(old, new), new.dataset.owner_id
        return Response(
            {
                "old": shapes.version_brief(old, old.dataset),
                "new": shapes.version_brief(new, new.dataset),
                "added": shapes.part_body(found.added, owner_id, DIFFERENCE_FILES),
                "removed": shapes.part_body(found.removed, old.dataset.owner_id, DIFFERENCE_FILES),
                "changed": shapes.part_body(found.changed, owner_id, DIFFERENCE_FILES),
            }
        )


class VersionAliasListView(GenericAPIView[DatasetVersionAlias]):
    serializer_class = shapes.DatasetVersionAliasShape
    filter_backends = ()
    queryset = DatasetVersionAlias.objects.none()

    @extend_schema(
        operation_id="dataset-version-aliases-list",
        parameters=[_DATASET, _LIST[0], *_LIST[3:]],
        responses=shapes.DatasetVersionAliasShape(many=True),
    )
    def get(self, request: Request) -> Response:
        aliases = selectors.aliases_for(request.user)
        if "dataset" in request.query_params:
            aliases = aliases.filter(dataset_id=as_uuid(request.query_params["dataset"]) or UUID(int=0))
        page = self.paginate_queryset(_listed(aliases, request, "name", tagged=False)) or []
        return self.get_paginated_response([shapes.alias_body(row, request) for row in page])

    @extend_schema(
        operation_id="dataset-version-aliases-set",
        request=bodies.DatasetVersionAliasCreate,
        responses={201: shapes.DatasetVersionAliasShape},
    )
    def post(self, request: Request) -> Response:
        """Create the alias, or point it to another version."""
        given = validated(bodies.DatasetVersionAliasCreate, request)
        version = bodies.version_named(user_of(request), given["version"], "version")
        alias = services.set_alias(version=version, actor=user_of(request), name=given["name"])
        return Response(shapes.alias_body(alias, request), status=status.HTTP_201_CREATED)


class VersionAliasDetailView(APIView):
    @extend_schema(operation_id="dataset-version-aliases-retrieve", responses=shapes.DatasetVersionAliasShape)
    def get(self, request: Request, alias_id: UUID) -> Response:
        return Response(shapes.alias_body(selectors.get_alias(request.user, alias_id), request))

    @extend_schema(
        operation_id="dataset-version-aliases-move",
        request=bodies.DatasetVersionAliasChange,
        responses=shapes.DatasetVersionAliasShape,
    )
    def put(self, request: Request, alias_id: UUID) -> Response:
        alias = selectors.get_alias(request.user, alias_id)
        given = validated(bodies.DatasetVersionAliasChange, request)
        version = bodies.version_named(user_of(request), given["version"], "version")
        moved = services.move_alias(alias=alias, actor=user_of(request), version=version)
        return Response(shapes.alias_body(moved, request))

    @extend_schema(operation_id="dataset-version-aliases-destroy", responses={204: None})
    def delete(self, request: Request, alias_id: UUID) -> Response:
        alias = selectors.get_alias(request.user, alias_id)
        services.delete_alias(alias=alias, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _listed(rows: QuerySet[Any], request: Request, default: str, *, tagged: bool = True) -> QuerySet[Any]:
    """As the request asks for; lenient as all lists, see `api/filters.py`."""
    params = request.query_params
    if boolean(params.get("deleted")):
        return rows.none()
    if params.get("name"):
        rows = rows.filter(name__iexact=params["name"].replace("\0", ""))
    if tagged:
        for word in params.get("search", "").replace("\0", "").split():
            rows = rows.filter(selectors.matching(word))
        tags = [tag.replace("\0", "") for tag in params.getlist("tag") if tag]
        rows = rows.filter(tags__contains=tags) if tags else rows
    asked = params.get("ordering", "").strip()
    column = _ORDERINGS.get(asked.lstrip("-"))
    order = default if column is None else f"-{column}" if asked.startswith("-") else column
    return rows.order_by(order) if order.lstrip("-") == "id" else rows.order_by(order, "-id")
