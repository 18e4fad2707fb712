"""WebSocket routes of executions."""

from typing import Any

from django.urls import path

from executions.consumers import ExecutionConsumer, ProjectConsumer

websocket_urlpatterns: list[Any] = [
    path("ws/executions/<uuid:subject_id>/", ExecutionConsumer.as_asgi()),
    path("ws/projects/<uuid:subject_id>/", ProjectConsumer.as_asgi()),
]
