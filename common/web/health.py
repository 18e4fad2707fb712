"""What load balancers and supervisors ask: does the process live, and can it work?"""

import logging
from collections.abc import Callable

import redis
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from common.ids import new_token
from common.redis import client

logger = logging.getLogger(__name__)

READY = "ok"


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives. Nothing else is asked: restarting it would not heal a lost database."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether each part that the process needs works, in words; 503 when one does not."""
    parts = {name: check() for name, check in PARTS.items()}
    ready = all(answer == READY for answer in parts.values())
    return JsonResponse({"ready": ready, "parts": parts}, status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        logger.exception("database not reachable")
        return "The database does not answer. Is DATABASE_URL right, and does the server run?"
    return READY


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        due = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "Unknown: the database does not answer."
    return f"{len(due)} migrations are due. Run `manage.py migrate`." if due else READY


def _redis() -> str:
    try:
        client().ping()
    except redis.RedisError:
        logger.exception("redis not reachable")
        return "Redis does not answer. Is REDIS_URL right, and does the server run?"
    return READY


def _storage() -> str:
    """Writes a few bytes and removes them. Every backend raises errors of its own, so that all are caught."""
    name = f"health/{new_token()}"
    try:
        saved = default_storage.save(name, ContentFile(b"ready?"))
        default_storage.delete(saved)
    except Exception:
        logger.exception("storage not writable")
        return (
            "The storage cannot be written. Are MAIN_STORAGE_TYPE and its settings right, and is there space?"
        )
    return READY


PARTS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "redis": _redis,
    "storage": _storage,
}
