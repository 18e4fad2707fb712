"""Routes of organizations."""

from tests.access.declared.route import ORGANIZATION, SIGNED_IN, V0, Route, api

ROUTES: dict[str, Route] = {
    f"{V0}organizations/": api(SIGNED_IN),
    f"{V0}organizations/<int:organization_id>/": api(ORGANIZATION),
    f"{V0}teams/": api(SIGNED_IN),
    f"{V0}teams/<uuid:team_id>/": api(ORGANIZATION),
}
