"""Routes of environments."""

from tests.access.declared.route import (
    ADMINISTERED,
    SIGNED_IN,
    USABLE,
    USABLE_ADMINISTERED,
    V0,
    Route,
    api,
    page,
)  # fmt: skip

ORG = "organizations/<str:organization>/"
REGISTRY = {
    "type": "docker",
    "image_pattern": "docker.io/x/*",
    "configuration": {"username": "u", "password": "p"},
}

ROUTES: dict[str, Route] = {
    f"{V0}environments/": api(SIGNED_IN, "get", "post", slug="new", name="New"),
    f"{V0}environments/<str:reference>/": api(USABLE, "get", "put", "patch", "delete", name="renamed"),
    f"{V0}environments/<str:reference>/team-quotas/": api(USABLE_ADMINISTERED, "get", "put"),
    f"{V0}environments/<str:reference>/dispatchers/": api(USABLE_ADMINISTERED),
    f"{V0}registry-credentials/": api(SIGNED_IN, "get", "post", **REGISTRY),
    f"{V0}registry-credentials/<uuid:registry_id>/": api(
        ADMINISTERED, "get", "put", "patch", "delete", image_pattern="docker.io/y/*"
    ),
    f"{ORG}environments/": page(ADMINISTERED),
    f"{ORG}environments/create/": page(ADMINISTERED, "get", "post"),
    f"{ORG}environments/default/": page(ADMINISTERED, "post"),
    f"{ORG}environments/<str:environment>/": page(ADMINISTERED, "get", "post"),
    f"{ORG}environments/<str:environment>/quota/": page(ADMINISTERED, "post"),
    f"{ORG}environments/<str:environment>/delete/": page(ADMINISTERED, "post"),
    f"{ORG}registries/": page(ADMINISTERED),
    f"{ORG}registries/create/<str:kind>/": page(ADMINISTERED, "get", "post"),
    f"{ORG}registries/<uuid:registry_id>/": page(ADMINISTERED, "get", "post"),
    f"{ORG}registries/<uuid:registry_id>/delete/": page(ADMINISTERED, "post"),
}
