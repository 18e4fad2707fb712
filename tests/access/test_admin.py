"""The administration site in the access matrix: every page of every model, and whoever calls it.

The pages come from the site itself, so that a new model is called here as soon as it is registered.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

from common.admin import PlatformAdmin
from tests.access.actors import Actor, content_of
from tests.access.conftest import rolled_back
from tests.access.declared.route import SIGNED_IN, Level, Route
from tests.access.fingerprint import differences, fingerprint
from tests.access.guesses import nothing_like
from tests.access.tenant import Tenant
from tests.access.test_leaks import shown
from tests.access.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_stands_still")]

PAGE = Route(SIGNED_IN, page=True)
SITE_PAGES = ("index", "jsi18n", "autocomplete")
# Of these nobody but superusers sees anything. Whatever else is registered says in `tenant_rows` what owners see.
SUPERUSERS_ONLY = frozenset(
    {
        "accounts.apitoken", "accounts.emailaddress", "accounts.owner", "accounts.recoverycode", "accounts.totpdevice",
        "accounts.user", "accounts.usersession", "environments.worker", "executions.executioninput", "executions.inputaddress",
        "executions.logchunk", "executions.metadatachunk", "executions.resourcesample", "projects.formeraddress", "projects.projectcounter",
    }
)  # fmt: skip


def name(model: type[Model]) -> str:
    return model._meta.label_lower


MODELS = sorted(admin.site._registry, key=name)
OF_TENANTS = [model for model in MODELS if name(model) not in SUPERUSERS_ONLY]
OF_SUPERUSERS = [model for model in MODELS if name(model) in SUPERUSERS_ONLY]


def url(model: type[Model], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def row_of(model: type[Model], tenant: Tenant) -> Model:
    """The row of this model that the tenant has."""
    return next(row for row in tenant.rows.values() if type(row) is model)


def pages_of(model: type[Model], row: Model) -> Iterator[str]:
    yield url(model, "changelist")
    yield url(model, "add")
    for page in ("change", "history", "delete"):
        yield url(model, page, row.pk)


def get(actor: Actor, path: str, **query: Any) -> Any:
    return actor.call("get", path, Route(SIGNED_IN, body=query, page=True))


def post(actor: Actor, path: str, body: dict[str, Any]) -> Any:
    return actor.call("post", path, Route(SIGNED_IN, body=body, page=True))


def test_only_superusers_and_owners_are_let_in(world: World) -> None:
    before = fingerprint()
    for actor in world.actors:
        for page in SITE_PAGES:
            answer = get(actor, reverse(f"admin:{page}"))
            if not actor.browses:
                assert (
                    answer.headers["Location"].startswith("/auth/login/")
                    or "/admin/login/" in answer["Location"]
                )
            elif actor.in_organization is Level.ADMINISTER or actor is world["owner of another organization"]:
                assert answer.status_code in ((200, 403) if page == "autocomplete" else (200,)), actor.name
            else:
                assert get(actor, answer["Location"]).status_code == 403, actor.name
    assert differences(before, fingerprint()) == []


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_nobody_else_reaches_a_page(world: World, model: type[Model]) -> None:
    row = row_of(model, world.secret) if model in OF_TENANTS else world.secret.owner
    before = fingerprint()
    for actor in (world["anonymous"], world["stranger"], world["viewer"], world["project administrator"]):
        for path in pages_of(model, row):
            for method in ("get", "post"):
                answer = actor.call(method, path, PAGE)
                assert answer.status_code == 302, f"{method} {path} by {actor.name}"
                assert answer.headers["Location"].startswith("/admin/login/")
    assert differences(before, fingerprint()) == []


@pytest.mark.parametrize("model", OF_SUPERUSERS, ids=name)
def test_owners_are_kept_out_of_what_is_for_superusers(world: World, model: type[Model]) -> None:
    owner, before = world["organization owner"], fingerprint()
    for path in pages_of(model, world.secret.owner):
        for method in ("get", "post"):
            assert owner.call(method, path, PAGE).status_code == 403, f"{method} {path}"
    assert differences(before, fingerprint()) == []
    assert get(world["superuser"], url(model, "changelist")).status_code == 200


@pytest.mark.parametrize("model", OF_TENANTS, ids=name)
class TestOwners:
    def test_see_their_rows_and_nothing_of_others(self, world: World, model: type[Model]) -> None:
        mine, theirs = row_of(model, world.secret), row_of(model, world.rival)
        listed = get(world["organization owner"], url(model, "changelist"), _facets="True")
        found = {row.pk for row in listed.context["cl"].queryset}
        assert mine.pk in found
        assert theirs.pk not in found
        pages = [listed, get(world["organization owner"], url(model, "change", mine.pk))]
        for page in pages:
            assert page.status_code == 200
            assert leaks(page, world.rival) == []

    def test_have_forms_that_offer_only_what_is_theirs(self, world: World, model: type[Model]) -> None:
        owner = world["organization owner"]
        answer = get(owner, url(model, "add"))
        page = admin.site._registry[model]
        assert isinstance(page, PlatformAdmin)
        assert answer.status_code == (200 if page.has_add_permission(answer.wsgi_request) else 403)
        assert leaks(answer, world.rival) == []

    def test_find_no_row_of_others_at_its_address(self, world: World, model: type[Model]) -> None:
        owner, theirs = world["organization owner"], row_of(model, world.rival)
        before = fingerprint()
        for page in ("change", "history", "delete"):
            for method in ("get", "post"):
                answers = [
                    shown(
                        owner,
                        method,
                        url(model, page, key),
                        Route(SIGNED_IN, body={"post": "yes"}, page=True),
                        (key,),
                    )
                    for key in (str(theirs.pk), nothing_like(str(theirs.pk)))
                ]
                assert answers[0] == answers[1], f"{method} {page}"
        assert differences(before, fingerprint()) == []

    def test_find_nothing_of_others_by_search_or_filter(self, world: World, model: type[Model]) -> None:
        owner, path = world["organization owner"], url(model, "changelist")
        theirs = row_of(model, world.rival)
        for query in queries_about(theirs, world.rival):
            answer = get(owner, path, **query)
            if answer.status_code == 200:
                assert theirs.pk not in {row.pk for row in answer.context["cl"].queryset}, query
                assert leaks(answer, world.rival, said=query) == [], query
            else:
                assert answer.status_code in (302, 400), query

    def test_cannot_act_on_rows_of_others(self, world: World, model: type[Model]) -> None:
        owner, theirs = world["organization owner"], row_of(model, world.rival)
        listed = get(owner, url(model, "changelist"))
        form = listed.context["action_form"]
        actions = [value for value, _ in form.fields["action"].choices if value] if form else []
        before = fingerprint()
        for action in [*actions, "delete_selected"]:
            body = {"action": action, "_selected_action": [str(theirs.pk)], "post": "yes", "confirmed": "yes"}
            assert post(owner, url(model, "changelist"), body).status_code in (200, 302)
        assert differences(before, fingerprint()) == []

    def test_cannot_point_a_row_to_what_others_have(self, world: World, model: type[Model]) -> None:
        """In forms for new rows and for old ones, field by field."""
        owner, mine = world["organization owner"], row_of(model, world.secret)
        before = fingerprint()
        for path in (url(model, "add"), url(model, "change", mine.pk)):
            answer = get(owner, path)
            if answer.status_code != 200:
                continue
            form = answer.context["adminform"].form
            for field, known in relations_of(form):
                foreign = [row.pk for row in world.rival.rows.values() if isinstance(row, known)]
                for key in foreign or [world.rival.owner.pk]:
                    with rolled_back():
                        refused = post(owner, path, {**filled(form, world.secret), field: str(key)})
                        assert refused.status_code == 200, f"{path} took {field}={key}"
                        assert field in refused.context["adminform"].form.errors
        assert differences(before, fingerprint()) == []


def test_searches_for_choices_find_nothing_of_others(world: World) -> None:
    for owner, own, other in (
        (world["organization owner"], world.secret, world.rival),
        (world["owner of another organization"], world.rival, world.secret),
    ):
        for model in OF_TENANTS:
            for field in admin.site._registry[model].autocomplete_fields:
                query = {
                    "app_label": model._meta.app_label,
                    "model_name": model._meta.model_name,
                    "field_name": field,
                }
                for term in ("", other.word):
                    answer = get(owner, reverse("admin:autocomplete"), term=term, **query)
                    assert answer.status_code in (200, 403)
                    assert leaks(answer, other) == []
                if answer.status_code == 200:
                    found = get(owner, reverse("admin:autocomplete"), term=own.word, **query).json()[
                        "results"
                    ]
                    assert found, f"{owner.name} finds none of their own for {name(model)}.{field}"


def test_addresses_of_rows_on_the_site_are_no_oracle(world: World) -> None:
    owner = world["organization owner"]
    answers = {
        (kind, key): shown(owner, "get", f"/admin/r/{kind}/{key}/", PAGE, ())
        for kind in (1, 5)
        for key in (world.rival.owner.pk, world.rival.project.pk, 1)
    }
    assert len(set(answers.values())) == 1


def test_notes_of_the_site_are_shown_to_who_made_them(world: World) -> None:
    mine, path = world.secret.team, url(type(world.secret.team), "change", world.secret.team.pk)
    with rolled_back():
        post(world["superuser"], path, {"name": "renamed"})
        history = url(type(mine), "history", mine.pk)
        assert len(get(world["superuser"], history).context["action_list"]) == 1
        assert list(get(world["organization owner"], history).context["action_list"]) == []
        assert b"renamed" not in content_of(get(world["organization owner"], reverse("admin:index")))


def leaks(answer: Any, tenant: Tenant, said: dict[str, str] | None = None) -> list[str]:
    content = content_of(answer).decode()
    repeated = " ".join((said or {}).values())
    return [word for word in tenant.words if word in content and word not in repeated]


def queries_about(row: Model, tenant: Tenant) -> Iterator[dict[str, str]]:
    yield {"q": str(row.pk)}
    yield {"q": tenant.word}  # every name begins with it
    for field in row._meta.get_fields():
        if field.is_relation:
            for other in tenant.rows.values():
                if type(other) is field.related_model:
                    yield {f"{field.name}__id__exact": str(other.pk)}
    yield {"_to_field": "id", "_popup": "1", "all": "", "o": "-1"}
    yield {"id__exact": str(row.pk)}


def relations_of(form: Any) -> list[tuple[str, type[Model]]]:
    return [(key, field.queryset.model) for key, field in form.fields.items() if hasattr(field, "queryset")]


def filled(form: Any, tenant: Tenant) -> dict[str, str]:
    """What a browser would send, with something for every field that is required."""
    body = {}
    for key, field in form.fields.items():
        value = form.initial.get(key, field.initial)
        if hasattr(field, "queryset") and value is None:
            value = next(
                (row.pk for row in tenant.rows.values() if isinstance(row, field.queryset.model)), None
            )
        if isinstance(value, list):
            body[key] = [str(getattr(item, "pk", item)) for item in value]
        elif value is not None:
            body[key] = str(value)
        elif field.required:
            body[key] = "filled"
    return {key: value for key, value in body.items() if value != "False"}
