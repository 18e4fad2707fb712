"""Routes of environments."""

from tests.access.declared.route import (
    ADMINISTERED,
    PUBLIC,
    SIGNED_IN,
    TOKEN,
    USABLE,
    USABLE_ADMINISTERED,
    V0,
    Route,
    api,
    page,
)  # fmt: skip

AGENT = "api/agent/v1/"
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
    f"{V0}environments/<str:reference>/enrolment-tokens/": api(USABLE_ADMINISTERED, "get", "post"),
    f"{V0}environments/<str:reference>/enrolment-tokens/<uuid:token_id>/": api(USABLE_ADMINISTERED, "delete"),
    f"{V0}environments/<str:reference>/workers/": api(USABLE_ADMINISTERED, "get"),
    f"{V0}environments/<str:reference>/workers/<uuid:credential_id>/": api(USABLE_ADMINISTERED, "delete"),
    f"{AGENT}enrol": api(TOKEN, "post", token="forged"),
    f"{AGENT}worker/hello": api(TOKEN, "post"),
    f"{AGENT}worker/bye": api(TOKEN, "post"),
    f"{AGENT}worker/probe": api(TOKEN),
    "agent/install.sh": api(PUBLIC),
    "agent/peon.pyz": api(PUBLIC),
    "agent/peon.pyz.sha256": api(PUBLIC),
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
    f"{ORG}environments/<str:environment>/tokens/": page(ADMINISTERED, "post", uses="1", lifetime_hours="1"),
    f"{ORG}environments/<str:environment>/tokens/<uuid:token_id>/revoke/": page(ADMINISTERED, "post"),
    f"{ORG}environments/<str:environment>/workers/<uuid:credential_id>/revoke/": page(ADMINISTERED, "post"),
    f"{ORG}registries/": page(ADMINISTERED),
    f"{ORG}registries/create/<str:kind>/": page(ADMINISTERED, "get", "post"),
    f"{ORG}registries/<uuid:registry_id>/": page(ADMINISTERED, "get", "post"),
    f"{ORG}registries/<uuid:registry_id>/delete/": page(ADMINISTERED, "post"),
}
