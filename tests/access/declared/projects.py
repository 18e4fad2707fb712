"""Routes of projects."""

from tests.access.declared.route import (
    PROJECT,
    PROJECT_ADMINISTRATION,
    PROJECT_SETTINGS,
    SIGNED_IN,
    V0,
    P,
    Route,
    api,
    page,
)  # fmt: skip

ROUTES: dict[str, Route] = {
    f"{V0}projects/": api(SIGNED_IN, "get", "post", name="created"),
    f"{V0}projects/ownership_options/": api(SIGNED_IN),
    f"{V0}projects/<str:project_id>/": api(
        PROJECT_ADMINISTRATION, "get", "put", "patch", "delete", name="renamed"
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
    f"{P}fetch/": page(PROJECT, "post"),
    f"{P}fetch/status/": page(PROJECT),
    f"{P}commits/": page(PROJECT),
    f"{P}commits/<str:identifier>/": page(PROJECT),
    f"{P}commits/<str:identifier>/code/": page(PROJECT),
    f"{P}settings/": page(PROJECT_SETTINGS, "get", "post"),
    f"{P}settings/repository/new-key/": page(PROJECT_SETTINGS, "post"),
    f"{P}settings/repository/forget-host/": page(PROJECT_SETTINGS, "post"),
    f"{P}settings/variables/delete/": page(PROJECT_SETTINGS, "post", name="secret-variable"),
    f"{P}settings/<str:tab>/": page(PROJECT_SETTINGS, "get", "post"),
}
