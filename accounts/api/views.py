"""Signing in, users and tokens. Shapes as the official clients read them."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import login_links, selectors, services, sessions, signing_in
from accounts.api.serializers import (
    ApiTokenSerializer,
    CreatedApiTokenSerializer,
    LoginLinkSerializer,
    LoginSerializer,
    NewApiTokenSerializer,
    ServerSerializer,
    TokenSerializer,
    UserSerializer,
)
from accounts.current import user_of
from accounts.errors import HasTwoFactor
from accounts.models import ApiToken, User
from common.version import VERSION


class ServerView(APIView):
    """What this installation is; clients ask before they sign in."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="server", responses=ServerSerializer)
    def get(self, request: Request) -> Response:
        return Response({"flavor": "valohai", "version": VERSION})


class GetTokenView(APIView):
    """A new API token for a user name and password. Whoever has two-factor authentication makes theirs in the browser."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="get-token", request=LoginSerializer, responses=TokenSerializer)
    def post(self, request: Request) -> Response:
        serializer = LoginSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = signing_in.check_password(request._request, **serializer.validated_data)
        if selectors.has_2fa(user):
            raise HasTwoFactor
        agent = request.headers.get("User-Agent", "")[:60]
        _, secret = services.create_api_token(
            user=user, name=f"signed in with {agent or 'an unnamed client'}"[:100]
        )
        return Response({"token": secret})


class MeView(APIView):
    @extend_schema(operation_id="users-me", responses=UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(request.user, context={"request": request}).data)


class LoginLinkView(APIView):
    """A one-time address that signs the browser in as the caller."""

    get_changes = True  # a browser may do everything

    @extend_schema(operation_id="users-login-link", responses=LoginLinkSerializer)
    def get(self, request: Request) -> Response:
        code = login_links.create(user_of(request), _token_behind(request))
        return Response({"url": f"/auth/link/?code={code}"})


class UserListView(ListAPIView[Any]):
    """The caller and whoever shares an organization or a project with them."""

    filter_backends = ()

    serializer_class = UserSerializer
    queryset = User.objects.none()

    def get_queryset(self) -> QuerySet[User]:
        return selectors.users_known_to(user_of(self.request))


class ApiTokenListView(GenericAPIView[ApiToken]):
    """The caller's own tokens, newest first, without their secrets."""

    filter_backends = ()
    serializer_class = ApiTokenSerializer
    queryset = ApiToken.objects.none()

    @extend_schema(operation_id="api-tokens-list")
    def get(self, request: Request) -> Response:
        user = user_of(request)
        page = self.paginate_queryset(user.api_tokens.order_by("-created_at"))
        context = {"longest_life": selectors.longest_token_life(user)}
        return self.get_paginated_response(ApiTokenSerializer(page, many=True, context=context).data)

    @extend_schema(
        operation_id="api-tokens-create",
        request=NewApiTokenSerializer,
        responses={201: CreatedApiTokenSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a token. Its secret is in this answer and nowhere else."""
        serializer = NewApiTokenSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        token, secret = services.create_api_token(
            user=user_of(request), made_with=_token_behind(request), **serializer.validated_data
        )
        shown = ApiTokenSerializer(token, context={"longest_life": None})  # it ends within that already
        return Response({**shown.data, "token": secret}, status=201)


class ApiTokenDetailView(APIView):
    @extend_schema(operation_id="api-tokens-revoke", responses={204: None})
    def delete(self, request: Request, token_id: UUID) -> Response:
        """Revoke a token of the caller's."""
        token = selectors.get_api_token(user_of(request), token_id)
        services.revoke_api_token(token=token, actor=user_of(request))
        return Response(status=204)


def _token_behind(request: Request) -> ApiToken | None:
    """The token of the request, or the one that has signed in its browser."""
    return request.auth if isinstance(request.auth, ApiToken) else sessions.token_behind(request._request)
