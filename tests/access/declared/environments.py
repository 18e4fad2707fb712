"""Routes of environments."""

from tests.access.declared.route import ADMINISTERED, SIGNED_IN, V0, Route, api, page
from tests.access.declared.route import ORGANIZATION as MEMBERS

ORGANIZATION = "organizations/<str:organization>/"
REGISTRY = {
    "type": "docker",
    "image_pattern": "docker.io/x/*",
    "configuration": {"username": "u", "password": "p"},
}

ROUTES: dict[str, Route] = {
    f"{V0}environments/": api(SIGNED_IN, "get", "post", slug="new", name="New"),
    f"{V0}environments/<str:reference>/": api(MEMBERS, "get", "put", "patch", "delete", name="renamed"),
    f"{V0}environments/<str:reference>/team-quotas/": api(ADMINISTERED, "get", "put"),
    f"{V0}registry-credentials/": api(SIGNED_IN, "get", "post", **REGISTRY),
    f"{V0}registry-credentials/<uuid:registry_id>/": api(
        ADMINISTERED, "get", "put", "patch", "delete", image_pattern="docker.io/y/*"
    ),
    f"{ORGANIZATION}environments/": page(ADMINISTERED),
    f"{ORGANIZATION}environments/create/": page(ADMINISTERED, "get", "post"),
    f"{ORGANIZATION}environments/default/": page(ADMINISTERED, "post"),
    f"{ORGANIZATION}environments/<str:environment>/": page(ADMINISTERED, "get", "post"),
    f"{ORGANIZATION}environments/<str:environment>/quota/": page(ADMINISTERED, "post"),
    f"{ORGANIZATION}environments/<str:environment>/delete/": page(ADMINISTERED, "post"),
    f"{ORGANIZATION}registries/": page(ADMINISTERED),
    f"{ORGANIZATION}registries/create/<str:kind>/": page(ADMINISTERED, "get", "post"),
    f"{ORGANIZATION}registries/<uuid:registry_id>/": page(ADMINISTERED, "get", "post"),
    f"{ORGANIZATION}registries/<uuid:registry_id>/delete/": page(ADMINISTERED, "post"),
}
