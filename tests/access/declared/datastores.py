"""Routes of datastores."""

from tests.access.declared.route import (
    ALIAS,
    IN_BODY,
    ORGANIZATION,
    OWN,
    PROJECT,
    SIGNED_IN,
    V0,
    P,
    Route,
    api,
    page,
)

ROUTES: dict[str, Route] = {
    f"{V0}stores/": api(SIGNED_IN),
    f"{V0}stores/<uuid:store_id>/": api(ORGANIZATION),
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
    f"{V0}data/<uuid:datum_id>/complete/": api(OWN, "post"),
    f"{V0}datum-aliases/": api(IN_BODY, "get", "post", project="{project}", name="moved", datum="{datum}"),
    f"{V0}datum-aliases/resolve/": api(ALIAS, "get", name="secret-alias"),
    f"{P}data/": page(PROJECT),
    f"{P}data/aliases/": page(PROJECT),
}
