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

MACHINE_ACTIONS = ("drain", "terminate", "cordon", "uncordon", "restart")

ROUTES: dict[str, Route] = {
    f"{V0}environments/": api(SIGNED_IN, "get", "post", slug="new", name="New"),
    f"{V0}environments/<str:reference>/": api(USABLE, "get", "put", "patch", "delete", name="renamed"),
    f"{V0}environments/<str:reference>/team-quotas/": api(USABLE_ADMINISTERED, "get", "put"),
    f"{V0}environments/<str:reference>/dispatchers/": api(USABLE_ADMINISTERED),
    f"{V0}environments/<str:reference>/machines/": api(USABLE_ADMINISTERED, "get"),
    f"{V0}environments/<str:reference>/machines/<uuid:machine_id>/": api(USABLE_ADMINISTERED, "get"),
    **{
        f"{V0}environments/<str:reference>/machines/<uuid:machine_id>/{action}/": api(
            USABLE_ADMINISTERED, "post"
        )
        for action in MACHINE_ACTIONS
    },
    f"{V0}environments/<str:reference>/decisions/": api(USABLE_ADMINISTERED, "get"),
    f"{V0}environments/<str:reference>/check/": api(USABLE_ADMINISTERED, "post"),
    "environments/": page(SIGNED_IN),
    "environments/<str:environment>/provider/": page(USABLE_ADMINISTERED, "get", "post"),
    "environments/<str:environment>/provider/check/": page(USABLE_ADMINISTERED, "post"),
    "environments/<str:environment>/": page(USABLE),
    "environments/<str:environment>/scale/": page(
        USABLE_ADMINISTERED, "post", scale_min=0, scale_max=3, scale_down_grace_period=15
    ),
    **{
        f"environments/<str:environment>/machines/<uuid:machine_id>/{action}/": page(
            USABLE_ADMINISTERED, "post"
        )
        for action in MACHINE_ACTIONS
    },
    f"{ORG}machines/": page(ADMINISTERED),
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
