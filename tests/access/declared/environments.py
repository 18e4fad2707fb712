"""Routes of environments."""

from tests.access.declared.route import SIGNED_IN, USABLE, V0, Route, api

ROUTES: dict[str, Route] = {
    f"{V0}environments/": api(SIGNED_IN),
    f"{V0}environments/<str:reference>/": api(USABLE),
}
