"""Routes of organizations."""

from tests.access.declared.route import ADMINISTERED, ORGANIZATION, SIGNED_IN, TOKEN, V0, Route, api, page

ORG = "organizations/<str:organization>/"
ONE = f"{V0}organizations/<int:organization_id>/"
TEAM = f"{V0}teams/<uuid:team_id>/"

ROUTES: dict[str, Route] = {
    f"{V0}organizations/": api(SIGNED_IN, "get", "post", name="created"),
    ONE: api(ORGANIZATION, "get", "patch", "delete", forbid_personal_projects=True),
    f"{ONE}members/": api(ORGANIZATION),
    f"{ONE}members/<int:user_id>/": api(ORGANIZATION, "patch", "delete", role="member"),
    f"{ONE}invitations/": api(ADMINISTERED, "get", "post", email="friend@example.com"),
    f"{ONE}invitations/<uuid:invitation_id>/": api(ADMINISTERED, "get", "delete"),
    f"{ONE}invitations/<uuid:invitation_id>/resend/": api(ADMINISTERED, "post"),
    f"{V0}teams/": api(SIGNED_IN, "get", "post", name="created"),
    TEAM: api(ORGANIZATION, "get", "put", "patch", "delete", name="renamed"),
    f"{TEAM}members/": api(ORGANIZATION, "get", "post", user="olaf"),
    f"{TEAM}members/<int:user_id>/": api(ORGANIZATION, "patch", "delete", is_read_only=False),
    "organizations/": page(SIGNED_IN, "get", "post"),
    "create-organization/": page(SIGNED_IN, "get", "post"),
    "context/": page(SIGNED_IN, "post"),
    "activity/": page(SIGNED_IN),
    "activity/csv/": page(SIGNED_IN),
    "invitations/<str:secret>/": Route(TOKEN, ("get", "post"), page=True),
    ORG: page(ORGANIZATION),
    f"{ORG}members/": page(ORGANIZATION),
    f"{ORG}members/<int:user_id>/role/": page(ORGANIZATION, "post"),
    f"{ORG}members/<int:user_id>/remove/": page(ORGANIZATION, "post"),
    f"{ORG}teams/": page(ORGANIZATION, "get", "post"),
    f"{ORG}teams/<uuid:team_id>/": page(ORGANIZATION),
    f"{ORG}teams/<uuid:team_id>/rename/": page(ORGANIZATION, "post"),
    f"{ORG}teams/<uuid:team_id>/delete/": page(ORGANIZATION, "post"),
    f"{ORG}teams/<uuid:team_id>/members/": page(ORGANIZATION, "post"),
    f"{ORG}teams/<uuid:team_id>/members/<int:user_id>/": page(ORGANIZATION, "post"),
    f"{ORG}teams/<uuid:team_id>/members/<int:user_id>/remove/": page(ORGANIZATION, "post"),
    f"{ORG}invitations/": page(ADMINISTERED, "get", "post"),
    f"{ORG}invitations/<uuid:invitation_id>/resend/": page(ADMINISTERED, "post"),
    f"{ORG}invitations/<uuid:invitation_id>/cancel/": page(ADMINISTERED, "post"),
    f"{ORG}settings/": page(ADMINISTERED, "get", "post"),
    f"{ORG}delete/": page(ADMINISTERED, "post"),
    f"{ORG}audit/": page(ADMINISTERED),
    f"{ORG}audit/csv/": page(ADMINISTERED),
}
