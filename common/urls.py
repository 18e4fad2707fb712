"""Routes."""

from django.urls import URLPattern, URLResolver, path

from common.web import docs, health
from common.web.files import signed_file
from common.web.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("files/<str:token>/<str:filename>", signed_file, name="signed-file"),
    path("api/docs/", docs.api_docs, name="api-docs"),
    path("api/v0/schema/", docs.schema, name="api-schema"),
]
