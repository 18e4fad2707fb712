"""Routes of datastores."""

from tests.access.declared.route import (
    ADMINISTERED,
    ALIAS,
    IN_BODY,
    ORGANIZATION,
    OWN,
    PROJECT,
    PROJECT_SETTINGS,
    SIGNED_IN,
    V0,
    P,
    Route,
    api,
    page,
)  # fmt: skip

ORG = "organizations/<str:organization>/stores/"
SETTINGS = f"{P}settings/stores/"

ROUTES: dict[str, Route] = {
    f"{V0}stores/": api(SIGNED_IN, "get", "post", name="created"),
    f"{V0}stores/<uuid:store_id>/": api(ORGANIZATION, "get", "put", "patch", "delete", name="renamed"),
    f"{V0}stores/<uuid:store_id>/test/": api(ADMINISTERED, "post"),
    f"{V0}stores/<uuid:store_id>/adopt/": api(IN_BODY, "post", url="s3://bucket/k", project="{project}"),
    f"{V0}data/": api(SIGNED_IN),
    f"{V0}data/uploads/": api(IN_BODY, "post", project="{project}", name="new.txt", size=1),
    f"{V0}data/metadata/apply/": api(IN_BODY, "post", datum_metadata={"{datum}": {"seen": True}}),
    f"{V0}data/<uuid:datum_id>/": api(PROJECT),
    f"{V0}data/<uuid:datum_id>": api(PROJECT),
    f"{V0}data/<uuid:datum_id>/download/": api(PROJECT),
    f"{V0}data/<uuid:datum_id>/download_url/": api(PROJECT),
    f"{V0}data/<uuid:datum_id>/preview/": api(PROJECT),
    f"{V0}data/<uuid:datum_id>/purge/": api(PROJECT, "post"),
    f"{V0}data/<uuid:datum_id>/metadata/": api(PROJECT, "post", seen=True),
    f"{V0}data/<uuid:datum_id>/renew-upload/": api(OWN, "post"),
    f"{V0}data/<uuid:datum_id>/complete/": api(OWN, "post"),
    f"{V0}datum-aliases/": api(IN_BODY, "get", "post", project="{project}", name="moved", datum="{datum}"),
    f"{V0}datum-aliases/resolve/": api(ALIAS, "get", name="secret-alias"),
    f"{V0}adoptions/": api(
        IN_BODY, "get", "post", project="{project}", store="{project_store}", urls=["s3://bucket/a"]
    ),
    f"{V0}adoptions/<uuid:adoption_id>/": api(PROJECT),
    f"{V0}adoptions/<uuid:adoption_id>/results/": api(PROJECT),
    f"{V0}adoptions/<uuid:adoption_id>/cancel/": api(PROJECT, "post"),
    f"{P}data/adoptions/": page(PROJECT, "get", "post", addresses="s3://bucket/a"),
    f"{P}data/adoptions/<uuid:adoption_id>/": page(PROJECT),
    f"{P}data/adoptions/<uuid:adoption_id>/cancel/": page(PROJECT, "post"),
    f"{V0}datum-aliases/<uuid:alias_id>/": api(PROJECT, "get", "put", "patch", "delete", datum="{datum}"),
    f"{V0}datum-aliases/<uuid:alias_id>/history/": api(PROJECT),
    f"{V0}projects/<uuid:project_id>/retention-rules/": api(
        PROJECT_SETTINGS, "get", "post", name="new", min_age_days=30
    ),
    f"{V0}retention-rules/<uuid:rule_id>/": api(
        PROJECT_SETTINGS, "get", "patch", "put", "delete", name="changed", min_age_days=31
    ),
    f"{V0}retention-rules/<uuid:rule_id>/dry-run/": api(PROJECT_SETTINGS, "post"),
    f"{V0}retention-rules/<uuid:rule_id>/files/": api(PROJECT_SETTINGS),
    f"{V0}retention-rules/<uuid:rule_id>/enable/": api(PROJECT_SETTINGS, "post"),
    f"{V0}retention-rules/<uuid:rule_id>/disable/": api(PROJECT_SETTINGS, "post"),
    f"{P}settings/retention/": page(PROJECT_SETTINGS, "get", "post", name="new", min_age_days=30),
    f"{P}settings/retention/<uuid:rule_id>/": page(PROJECT_SETTINGS, "get", "post", action="try"),
    f"{P}data/": page(PROJECT),
    f"{P}data/aliases/<uuid:alias_id>/": page(PROJECT),
    f"{P}data/aliases/": page(PROJECT),
    ORG: page(ADMINISTERED),
    f"{ORG}create/<str:kind>/": page(ADMINISTERED, "get", "post"),
    f"{ORG}<uuid:store_id>/": page(ADMINISTERED, "get", "post"),
    f"{ORG}<uuid:store_id>/test/": page(ADMINISTERED, "get", "post"),
    f"{ORG}<uuid:store_id>/delete/": page(ADMINISTERED, "post"),
    SETTINGS: page(PROJECT_SETTINGS),
    f"{SETTINGS}create/<str:kind>/": page(PROJECT_SETTINGS, "get", "post"),
    f"{SETTINGS}<uuid:store_id>/": page(PROJECT_SETTINGS, "get", "post"),
    f"{SETTINGS}<uuid:store_id>/choose/": page(PROJECT_SETTINGS, "post"),
    f"{SETTINGS}<uuid:store_id>/test/": page(PROJECT_SETTINGS, "get", "post"),
    f"{SETTINGS}<uuid:store_id>/delete/": page(PROJECT_SETTINGS, "post"),
}
