"""Enrolment tokens and enrolled workers of an environment, for those who manage it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.rest.bodies import validated
from common.rest.times import timestamp
from environments import selectors
from environments.access import require_management
from environments.enrolment import services
from environments.enrolment.api.schemas import EnrolledWorkerShape, IssuedShape, TokenShape, TokenWish
from environments.enrolment.installer import install_command
from environments.enrolment.models import EnrolmentToken, WorkerCredential
from environments.enrolment.selectors import (
    enrolled_worker,
    enrolled_workers,
    open_tokens,
    refused_clone,
    token_of,
)
from environments.models import Environment

_REFERENCE = OpenApiParameter("reference", location="path", description="Id or slug.")


class TokenListView(GenericAPIView[EnrolmentToken]):
    """Tokens that can still let a machine in."""

    serializer_class = TokenShape
    filter_backends = ()
    queryset = EnrolmentToken.objects.none()

    @extend_schema(operation_id="environments_enrolment_tokens", parameters=[_REFERENCE])
    def get(self, request: Request, reference: str) -> Response:
        page = self.paginate_queryset(open_tokens(managed(request, reference))) or []
        return self.get_paginated_response([_token(row) for row in page])

    @extend_schema(
        operation_id="environments_issue_enrolment_token", parameters=[_REFERENCE], request=TokenWish,
        responses={201: IssuedShape},
    )  # fmt: skip
    def post(self, request: Request, reference: str) -> Response:
        environment, wish = managed(request, reference), validated(TokenWish, request)
        token = services.issue_token(
            environment=environment,
            actor=user_of(request),
            uses=wish["uses"],
            lifetime=timedelta(hours=wish["lifetime_hours"]),
        )
        shown = {"token": token, "command": install_command(request, token)}
        return Response(shown, status=status.HTTP_201_CREATED)


class TokenView(APIView):
    @extend_schema(
        operation_id="environments_revoke_enrolment_token", parameters=[_REFERENCE], responses={204: None}
    )
    def delete(self, request: Request, reference: str, token_id: UUID) -> Response:
        token = token_of(managed(request, reference), token_id)
        services.revoke_token(token=token, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class WorkerListView(GenericAPIView[WorkerCredential]):
    """Workers that were enrolled and not revoked."""

    serializer_class = EnrolledWorkerShape
    filter_backends = ()
    queryset = WorkerCredential.objects.none()

    @extend_schema(operation_id="environments_workers", parameters=[_REFERENCE])
    def get(self, request: Request, reference: str) -> Response:
        page = self.paginate_queryset(enrolled_workers(managed(request, reference))) or []
        return self.get_paginated_response([_worker(row) for row in page])


class WorkerDetailView(APIView):
    """Deleting revokes: the worker claims nothing any more, and what it runs ends as crashed."""

    @extend_schema(operation_id="environments_revoke_worker", parameters=[_REFERENCE], responses={204: None})
    def delete(self, request: Request, reference: str, credential_id: UUID) -> Response:
        credential = enrolled_worker(managed(request, reference), credential_id)
        services.revoke_worker(credential=credential, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def managed(request: Request, reference: str) -> Environment:
    environment = selectors.named(selectors.shown_environments(request.user), reference)
    require_management(user_of(request), environment)
    return environment


def _token(token: EnrolmentToken) -> dict[str, Any]:
    creator = token.creator
    return {
        "id": str(token.pk),
        "hint": token.hint,
        "creator": {"id": creator.pk, "username": creator.username} if creator else None,
        "machine_id": token.machine_id,
        "uses": token.uses,
        "used": token.used,
        "expires_at": timestamp(token.expires_at),
        "ctime": timestamp(token.created_at),
    }


def _worker(credential: WorkerCredential) -> dict[str, Any]:
    worker = credential.worker
    return {
        "id": str(credential.pk),
        "identity": worker.identity,
        "host": worker.host,
        "agent_version": worker.agent_version,
        "runtime": worker.runtime,
        "facts": worker.facts,
        "machine_id": credential.machine_id,
        "last_seen_at": timestamp(worker.last_seen_at),
        "cloned_by": refused_clone(credential),
        "ctime": timestamp(credential.created_at),
    }
