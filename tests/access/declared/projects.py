"""Routes of projects."""

from tests.access.declared.route import (
    ADMINISTERED,
    PROJECT,
    PROJECT_ADMINISTRATION,
    PROJECT_SETTINGS,
    SIGNED_IN,
    TOKEN,
    V0,
    P,
    Route,
    api,
    page,
)

GROUP = f"{V0}variable-groups/<uuid:group_id>/"
VARIABLES = "organizations/<str:organization>/variables/"

ROUTES: dict[str, Route] = {
    f"{V0}projects/": api(SIGNED_IN, "get", "post", name="created"),
    f"{V0}projects/ownership_options/": api(SIGNED_IN),
    f"{V0}projects/<str:project_id>/": api(
        PROJECT_ADMINISTRATION, "get", "put", "patch", "delete", name="renamed"
    ),
    f"{V0}projects/<str:project_id>/transfer/": api(PROJECT_SETTINGS, "post", owner="alice"),
    f"{V0}projects/<str:project_id>/members/": api(PROJECT_SETTINGS),
    f"{V0}projects/<str:project_id>/collaborators/": api(PROJECT_SETTINGS, "get", "post", user="olaf"),
    f"{V0}projects/<str:project_id>/collaborators/<int:user_id>/": api(
        PROJECT_SETTINGS, "patch", "delete", is_read_only=False
    ),
    f"{V0}projects/<str:project_id>/collaborators/invitations/": api(
        PROJECT_SETTINGS, "get", "post", email="friend@example.com"
    ),
    f"{V0}projects/<str:project_id>/collaborators/invitations/<uuid:invitation_id>/": api(
        PROJECT_SETTINGS, "delete"
    ),
    f"{V0}projects/<str:project_id>/collaborators/invitations/<uuid:invitation_id>/resend/": api(
        PROJECT_SETTINGS, "post"
    ),
    f"{V0}projects/<str:project_id>/commits/": api(PROJECT),
    f"{V0}projects/<str:project_id>/fetch/": api(PROJECT, "post"),
    f"{V0}projects/<str:project_id>/repository/": api(
        PROJECT_ADMINISTRATION, "put", url="https://git.example.com/other.git"
    ),
    f"{V0}projects/<str:project_id>/environment_variable/": api(
        PROJECT_ADMINISTRATION, "post", "delete", name="secret-variable", value="x", secret=False
    ),
    f"{V0}projects/<str:project_id>/import-package/": Route(
        PROJECT, ("post",), {"description": "x"}, multipart=True
    ),
    f"{V0}commits/": api(SIGNED_IN),
    f"{V0}commits/<str:identifier>/": api(PROJECT),
    f"{V0}repositories/": api(SIGNED_IN),
    f"{V0}variable-groups/": api(SIGNED_IN, "get", "post", name="new"),
    GROUP: api(ADMINISTERED, "get", "put", "patch", "delete", name="renamed"),
    f"{GROUP}variables/": api(ADMINISTERED, "get", "post", "delete", name="secret-group-variable", value="x"),
    f"{V0}organizations/<int:organization_id>/environment-variables/": api(
        ADMINISTERED, "get", "post", "delete", name="SHARED", value="x"
    ),
    VARIABLES: page(ADMINISTERED, "get", "post"),
    f"{VARIABLES}delete/": page(ADMINISTERED, "post", name="secret-organization-variable"),
    f"{VARIABLES}groups/create/": page(ADMINISTERED, "get", "post"),
    f"{VARIABLES}groups/<uuid:group_id>/": page(ADMINISTERED, "get", "post"),
    f"{VARIABLES}groups/<uuid:group_id>/variables/": page(ADMINISTERED, "post"),
    f"{VARIABLES}groups/<uuid:group_id>/variables/delete/": page(
        ADMINISTERED, "post", name="secret-group-variable"
    ),
    f"{VARIABLES}groups/<uuid:group_id>/delete/": page(ADMINISTERED, "post"),
    f"{P}fetch/": page(PROJECT, "post"),
    f"{P}fetch/status/": page(PROJECT),
    f"{P}commits/": page(PROJECT),
    f"{P}commits/<str:identifier>/": page(PROJECT),
    f"{P}commits/<str:identifier>/code/": page(PROJECT),
    f"{P}settings/": page(PROJECT_SETTINGS, "get", "post"),
    f"{P}settings/repository/new-key/": page(PROJECT_SETTINGS, "post"),
    f"{P}settings/repository/forget-host/": page(PROJECT_SETTINGS, "post"),
    f"{P}settings/variables/delete/": page(PROJECT_SETTINGS, "post", name="secret-variable"),
    f"{P}settings/audit/csv/": page(PROJECT_SETTINGS),
    f"{V0}audit-events/": api(SIGNED_IN),
    f"{V0}audit-events/csv/": api(SIGNED_IN),
    f"{P}settings/collaborators/add/": page(PROJECT_SETTINGS, "post"),
    f"{P}settings/collaborators/<int:user_id>/change/": page(PROJECT_SETTINGS, "post"),
    f"{P}settings/collaborators/<int:user_id>/remove/": page(PROJECT_SETTINGS, "post"),
    f"{P}settings/collaborators/invitations/<uuid:invitation_id>/resend/": page(PROJECT_SETTINGS, "post"),
    f"{P}settings/collaborators/invitations/<uuid:invitation_id>/cancel/": page(PROJECT_SETTINGS, "post"),
    f"{P}settings/administration/transfer/": page(PROJECT_SETTINGS, "post", owner="alice"),
    f"{P}settings/administration/transfer/effects/": page(PROJECT_SETTINGS),
    "invitations/project/<str:secret>/": Route(TOKEN, ("get", "post"), page=True),
    f"{P}settings/<str:tab>/": page(PROJECT_SETTINGS, "get", "post"),
}
