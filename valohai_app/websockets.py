"""WebSocket routes, behind the browser's session. Tokens and the origin of pages are checked by the consumers."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter

from executions.routing import websocket_urlpatterns

websocket_application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
