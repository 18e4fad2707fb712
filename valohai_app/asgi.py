"""One port for everything: HTTP views on a fixed pool of threads, files and WebSockets on the event loop.

Each thread keeps its database connection; Django's own ASGI handler was measured at less than half the rate and cannot
keep connections (see docs/decisions/0002-one-port.md).
"""

import os

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "valohai_app.settings")

from valohai_app.wsgi import application as http_application  # isort: skip  (sets Django up before models load)
from valohai_app.websockets import websocket_application  # isort: skip
from common.files.asgi import with_files  # isort: skip

HTTP_THREADS = int(os.environ.get("WEB_THREADS", "8"))

application = ProtocolTypeRouter(
    {
        "http": with_files(WSGIMiddleware(http_application, workers=HTTP_THREADS)),  # type: ignore[arg-type]
        "websocket": websocket_application,
    }
)
