"""Routes of common."""

from tests.access.declared.route import PUBLIC, TOKEN, V0, Route, api, page

ROUTES: dict[str, Route] = {
    "healthz": api(PUBLIC),
    "readyz": api(PUBLIC),
    "metrics": api(TOKEN),
    "files/<str:token>/<str:filename>": api(TOKEN, "get", "put"),
    f"{V0}schema/": api(PUBLIC),
    "api/docs/": page(PUBLIC),
}
