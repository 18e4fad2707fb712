"""WebSocket routes, with the browser's session. Whose it is, tokens, and the origin of pages are checked by the consumers."""

from channels.routing import URLRouter
from channels.sessions import SessionMiddlewareStack

from executions.routing import websocket_urlpatterns

websocket_application = SessionMiddlewareStack(URLRouter(websocket_urlpatterns))
