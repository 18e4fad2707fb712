"""WebSocket routes of executions."""

from typing import Any

websocket_urlpatterns: list[Any] = []
