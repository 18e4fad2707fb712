"""Stores in the public API, in the shapes that the official clients use. Secrets are never in an answer."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from accounts.models import Owner
from common.rest.fields import ReferenceField
from common.rest.links import absolute, base_url
from common.rest.times import timestamp
from datastores import connecting, selectors, trials
from datastores.addresses import prefix_of
from datastores.errors import StoreRefused
from datastores.kinds import KEYS, shown_configuration
from datastores.models import DataStore
from datastores.uri_downloads import grant_download
from organizations.models import Team
from organizations.references import ReferenceRefused, owned_organization, team_in
from projects.selectors import get_project

_ID = OpenApiParameter("store_id", OpenApiTypes.UUID, location="path")


class StoreChange(serializers.Serializer[Any]):
    """Secret keys of the configuration that are left out stay as they are."""

    name = serializers.CharField(required=False, max_length=64)
    access_mode = serializers.ChoiceField(DataStore.AccessMode.choices, required=False)
    teams = serializers.ListField(child=serializers.CharField(max_length=64), required=False, allow_null=True)
    allow_read = serializers.BooleanField(required=False)
    allow_write = serializers.BooleanField(required=False)
    allow_uri_download = serializers.BooleanField(required=False)
    allow_adopt = serializers.BooleanField(required=False)
    configuration = serializers.DictField(required=False)
    paths = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False)


class StoreCreate(StoreChange):
    name = serializers.CharField(max_length=64)
    type = serializers.ChoiceField([(kind, kind) for kind in KEYS], source="kind")
    configuration = serializers.DictField()
    owner = ReferenceField(help_text="An organization, by id or name.")
    project = ReferenceField(help_text="A project by its id; then the store is for this project.")


class StoreShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField()
    access_mode = serializers.CharField()
    allow_read = serializers.BooleanField()
    allow_write = serializers.BooleanField()
    allow_uri_download = serializers.BooleanField()
    allow_adopt = serializers.BooleanField()
    configuration = serializers.DictField()
    owner = serializers.IntegerField(allow_null=True)
    project = serializers.UUIDField(allow_null=True)
    teams = serializers.ListField(child=serializers.UUIDField())
    paths = serializers.DictField(child=serializers.CharField())
    uri_prefix = serializers.CharField()
    deleted = serializers.BooleanField()
    ctime = serializers.DateTimeField()
    mtime = serializers.DateTimeField()
    url = serializers.URLField()


class TrialStep(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    ok = serializers.BooleanField()
    message = serializers.CharField(help_text="What went wrong and what to change.")
    code = serializers.CharField(allow_null=True)


class TrialShape(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    steps = TrialStep(many=True)


class UriDownload(serializers.Serializer[Any]):
    project = serializers.UUIDField(help_text="One that may read the store.")
    uri = serializers.CharField(max_length=4096, help_text="Such as s3://bucket/key.")


class UriDownloadGrant(serializers.Serializer[Any]):
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField(), help_text="To be sent with the GET.")


class StoreListView(GenericAPIView[DataStore]):
    """Those that the caller may use somewhere."""

    serializer_class = StoreShape
    filter_backends = ()
    queryset = DataStore.objects.none()

    @extend_schema(operation_id="stores-list", responses=StoreShape(many=True))
    def get(self, request: Request) -> Response:
        stores = selectors.stores_for(request.user).order_by("name", "pk").prefetch_related("teams")
        page = self.paginate_queryset(stores) or []
        return self.get_paginated_response([represent(store, request) for store in page])

    @extend_schema(operation_id="stores-create", request=StoreCreate, responses={201: StoreShape})
    def post(self, request: Request) -> Response:
        given = _validated(StoreCreate, request)
        given["owner"], given["project"] = _belonging(
            request, given.pop("owner", ""), given.pop("project", "")
        )
        given["teams"] = _teams(given["owner"], given.pop("teams", None) or [])
        store = connecting.connect_store(actor=user_of(request), rights=_rights(given), **given)
        return Response(represent(store, request), status=status.HTTP_201_CREATED)


class StoreDetailView(APIView):
    @extend_schema(operation_id="stores-retrieve", parameters=[_ID], responses=StoreShape)
    def get(self, request: Request, store_id: UUID) -> Response:
        return Response(represent(selectors.get_store(user_of(request), store_id), request))

    @extend_schema(operation_id="stores-update", parameters=[_ID], request=StoreChange, responses=StoreShape)
    def put(self, request: Request, store_id: UUID) -> Response:
        return self._change(request, store_id)

    @extend_schema(
        operation_id="stores-partial-update", parameters=[_ID], request=StoreChange, responses=StoreShape
    )
    def patch(self, request: Request, store_id: UUID) -> Response:
        return self._change(request, store_id)

    @extend_schema(operation_id="stores-destroy", parameters=[_ID], responses={204: None})
    def delete(self, request: Request, store_id: UUID) -> Response:
        store = selectors.get_store(user_of(request), store_id)
        connecting.disconnect_store(store=store, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, store_id: UUID) -> Response:
        store = selectors.get_store(user_of(request), store_id)
        given = _validated(StoreChange, request)
        if "teams" in given:
            given["teams"] = _teams(store.owner, given["teams"] or [])
        changed = connecting.change_store(store=store, actor=user_of(request), rights=_rights(given), **given)
        return Response(represent(changed, request))


class StoreTestView(APIView):
    """Write, read back and remove a file as workers do, and say what failed and what to change."""

    @extend_schema(operation_id="stores-test", parameters=[_ID], request=None, responses=TrialShape)
    def post(self, request: Request, store_id: UUID) -> Response:
        store = selectors.get_store(user_of(request), store_id)
        steps = trials.try_store(store=store, actor=user_of(request), base_url=base_url(request))
        return Response(trials.as_body(steps))


class StoreDownloadView(APIView):
    """An address to download an object from, by its address in a store. The store has to allow it; no file is made of it."""

    @extend_schema(operation_id="stores-download", request=UriDownload, responses=UriDownloadGrant)
    def post(self, request: Request) -> Response:
        given = _validated(UriDownload, request)
        user = user_of(request)
        grant = grant_download(
            actor=user,
            project=get_project(user, given["project"]),
            uri=given["uri"],
            base_url=base_url(request),
        )
        return Response({"url": grant.url, "headers": grant.headers})


def represent(store: DataStore, request: Request) -> dict[str, Any]:
    """Secret keys are absent, not null: official clients keep their own value only then."""
    return {
        "id": str(store.pk),
        "name": store.name,
        "type": store.kind,
        "access_mode": store.access_mode,
        "allow_read": store.allow_read,
        "allow_write": store.allow_write,
        "allow_uri_download": store.allow_uri_download,
        "allow_adopt": store.allow_adopt,
        "configuration": shown_configuration(store),
        "owner": store.project.owner_id if store.project else store.owner_id,
        "project": str(store.project_id) if store.project_id else None,
        "teams": [str(team.pk) for team in store.teams.all()],
        "paths": store.paths,
        "uri_prefix": prefix_of(store),
        "deleted": False,
        "ctime": timestamp(store.created_at),
        "mtime": timestamp(store.updated_at),
        "url": absolute(request, "store-detail", store_id=store.pk),
    }


def _rights(given: dict[str, Any]) -> dict[str, bool]:
    """Taken out of the body; what is absent stays as it is."""
    return {name: given.pop(name) for name in connecting.RIGHTS if name in given}


def _belonging(request: Request, owner: str, project: str) -> tuple[Owner, Any]:
    """What a new store belongs to: a project, an organization, or whoever asks."""
    user = user_of(request)
    if project:
        found = get_project(user, project)
        return found.owner, found
    if not owner or owner.lower() in {str(user.pk), user.username.lower()}:
        return user.owner, None
    return owned_organization(user, owner).owner, None


def _teams(owner: Owner | None, references: list[str]) -> list[Team]:
    organization = getattr(owner, "organization", None)
    try:
        return [team_in(organization, reference, field="teams") for reference in references]
    except ReferenceRefused as error:
        raise StoreRefused("teams", error.message) from error


def _validated(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
