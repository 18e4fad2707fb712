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

ROUTES: dict[str, Route] = {
    f"{V0}environments/": api(SIGNED_IN, "get", "post", slug="new", name="New"),
    f"{V0}environments/<str:reference>/": api(USABLE, "get", "put", "patch", "delete", name="renamed"),
    f"{V0}environments/<str:reference>/team-quotas/": api(USABLE_ADMINISTERED, "get", "put"),
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
