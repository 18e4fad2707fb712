"""Routes of accounts."""

from tests.access.declared.route import OWN, PUBLIC, SIGNED_IN, V0, Route, api, page

ROUTES: dict[str, Route] = {
    "auth/login/": page(PUBLIC, "get", "post", username="alice", password="wrong"),
    "auth/link/": page(PUBLIC),
    "auth/logout/": page(PUBLIC, "post"),
    "auth/tokens/": page(SIGNED_IN, "get", "post", name="created"),
    "auth/tokens/<uuid:token_id>/revoke/": page(OWN, "post"),
    f"{V0}server/": api(PUBLIC),
    f"{V0}get-token/": api(PUBLIC, "post", username="alice", password="wrong"),
    f"{V0}users/": api(SIGNED_IN),
    f"{V0}users/me/": api(SIGNED_IN),
    f"{V0}users/login_link/": api(SIGNED_IN),
}
