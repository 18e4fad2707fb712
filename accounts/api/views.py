"""Signing in and users. Shapes as the official clients read them."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import login_links, selectors, throttling
from accounts.api.serializers import (
    LoginLinkSerializer,
    LoginSerializer,
    ServerSerializer,
    TokenSerializer,
    UserSerializer,
)
from accounts.current import user_of
from accounts.models import User
from accounts.services import create_api_token
from common.version import VERSION


class ServerView(APIView):
    """What this installation is; clients ask before they sign in."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="server", responses=ServerSerializer)
    def get(self, request: Request) -> Response:
        return Response({"flavor": "valohai", "version": VERSION})


class GetTokenView(APIView):
    """A new API token for a user name and password."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="get-token", request=LoginSerializer, responses=TokenSerializer)
    def post(self, request: Request) -> Response:
        serializer = LoginSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = throttling.login(request._request, **serializer.validated_data)
        agent = request.headers.get("User-Agent", "")[:60]
        _, secret = create_api_token(user=user, name=f"signed in with {agent or 'an unnamed client'}"[:100])
        return Response({"token": secret})


class MeView(APIView):
    @extend_schema(operation_id="users-me", responses=UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(request.user).data)


class LoginLinkView(APIView):
    """A one-time address that signs the browser in as the caller."""

    @extend_schema(operation_id="users-login-link", responses=LoginLinkSerializer)
    def get(self, request: Request) -> Response:
        return Response({"url": f"/auth/link/?code={login_links.create(user_of(request))}"})


class UserListView(ListAPIView[Any]):
    """The caller and whoever shares an organization or a project with them."""

    filter_backends = ()

    serializer_class = UserSerializer
    queryset = User.objects.none()

    def get_queryset(self) -> QuerySet[User]:
        return selectors.users_known_to(user_of(self.request))
