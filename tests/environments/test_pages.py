"""The tab Environments of an organization."""

import pytest

from environments.models import Environment, TeamPlace
from tests.conftest import browser_of
from tests.support.factories import make_environment, make_execution, make_project, make_team
from tests.support.tenants import Tenant

LIST = "/organizations/acme/environments/"
SETTINGS = {
    "name": "GPU box", "description": "", "default_image": "", "gpu_spec": "", "per_hour_price_usd": "0.5", "enabled": "on",
    "team": "", "member": "", "allow_personal_usage": "on", "per_user_queue_quota": "0", "max_running": "0",
    "scale_min": "0", "scale_max": "5", "scale_down_grace_period": "15", "supports_priority": "on",
}  # fmt: skip


def test_the_list_shows_own_and_shared_ones_and_nothing_of_others(acme: Tenant, rival: Tenant) -> None:
    make_environment("shared")
    TeamPlace.objects.create(environment=acme.environment, team=acme.team, max_running=0)
    text = acme.browser.get(LIST).content.decode()
    assert "acme-gpu" in text
    assert "blocked" in text
    assert "shared" in text
    assert "rival-gpu" not in text


def test_create_change_and_delete(acme: Tenant) -> None:
    browser = acme.browser
    assert 'value="acme-"' in browser.get(f"{LIST}create/").content.decode()
    answer = browser.post(f"{LIST}create/", {**SETTINGS, "slug": "acme-new", "queue_name": ""})
    assert answer.headers["Location"] == f"{LIST}acme-new/"
    created = Environment.objects.get(slug="acme-new")
    assert (created.owner_id, created.queue_name) == (acme.organization.pk, "acme-new")
    page = f"{LIST}acme-new/"
    assert "0.5" in browser.get(page).content.decode()
    browser.post(page, {**SETTINGS, "name": "New", "team": str(acme.team.pk), "enabled": ""})
    created.refresh_from_db()
    assert (created.name, created.team, created.enabled) == ("New", acme.team, False)
    browser.post(f"{page}delete/")
    assert not Environment.objects.filter(slug="acme-new").exists()


def test_what_is_wrong_stands_beside_its_field_and_changes_nothing(acme: Tenant, rival: Tenant) -> None:
    body = {
        **SETTINGS, "name": "New", "scale_min": "9", "per_user_queue_quota": "-1", "member": "otto",
        "team": str(rival.team.pk),
    }  # fmt: skip
    text = acme.browser.post(f"{LIST}acme-gpu/", body).content.decode()
    assert "Select a valid choice" in text
    text = acme.browser.post(f"{LIST}acme-gpu/", {**body, "team": ""}).content.decode()
    assert "acme has no member &#x27;otto&#x27;" in text
    text = acme.browser.post(f"{LIST}acme-gpu/", {**body, "team": "", "member": ""}).content.decode()
    assert "cannot be below the minimum of 9" in text
    assert "quota per user cannot be negative" in text
    acme.environment.refresh_from_db()
    assert acme.environment.name == "GPU box"


def test_rules_for_mounts(acme: Tenant) -> None:
    page = f"{LIST}acme-gpu/"
    rules = "/data/**\nnfs://files.example.com/scratch/* rw"
    acme.browser.post(page, {**SETTINGS, "mount_rules": rules, "requires_mounts": "on"})
    acme.environment.refresh_from_db()
    assert acme.environment.requires_mounts
    assert acme.environment.mount_rules == [
        {"pattern": "/data/**", "writable": False},
        {"pattern": "nfs://files.example.com/scratch/*", "writable": True},
    ]
    assert rules in acme.browser.get(page).content.decode()
    text = acme.browser.post(page, {**SETTINGS, "mount_rules": "../etc"}).content.decode()
    assert "is no pattern for mounts" in text
    before = acme.environment.mount_rules
    acme.environment.refresh_from_db()
    assert acme.environment.mount_rules == before


def test_one_that_was_used_is_not_deleted(acme: Tenant) -> None:
    make_execution(make_project(acme.organization), environment=acme.environment)
    answer = acme.browser.post(f"{LIST}acme-gpu/delete/", follow=True)
    assert "Disable it instead" in answer.content.decode()
    assert Environment.objects.filter(pk=acme.environment.pk).exists()


@pytest.mark.parametrize(
    ("form", "saved"),
    [
        ({"place": "limited", "quota": "3"}, 3),
        ({"place": "limited", "quota": "0"}, 0),
        ({"place": "unlimited", "quota": "7"}, None),
        ({"place": "none", "quota": ""}, "no place"),
    ],
)
def test_a_quota_is_changed_in_its_row(acme: Tenant, form: dict[str, str], saved: object) -> None:
    TeamPlace.objects.create(environment=acme.environment, team=acme.team, max_running=5)
    make_team(acme.organization, "unconcerned")
    answer = acme.browser.post(
        f"{LIST}acme-gpu/quota/", {"team": str(acme.team.pk), **form}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "unconcerned" not in text
    assert text.lstrip().startswith("<tr")
    place = TeamPlace.objects.first()
    assert (place.max_running if place else "no place") == saved


@pytest.mark.parametrize(
    "form", [{"place": "limited", "quota": ""}, {"place": "limited", "quota": "-1"}, {"place": "x"}]
)
def test_a_bad_quota_is_told_in_its_row(acme: Tenant, form: dict[str, str]) -> None:
    TeamPlace.objects.create(environment=acme.environment, team=acme.team, max_running=5)
    answer = acme.browser.post(f"{LIST}acme-gpu/quota/", {"team": str(acme.team.pk), **form})
    assert "field-error" in answer.content.decode()
    assert "HX-Trigger" not in answer.headers
    assert TeamPlace.objects.get().max_running == 5


def test_a_team_of_another_organization_has_no_row(acme: Tenant, rival: Tenant) -> None:
    body = {"team": str(rival.team.pk), "place": "unlimited"}
    answer = acme.browser.post(f"{LIST}acme-gpu/quota/", body, headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert not TeamPlace.objects.exists()


def test_the_default_of_new_projects(acme: Tenant, rival: Tenant) -> None:
    acme.browser.post(f"{LIST}default/", {"environment": "acme-gpu"})
    acme.organization.refresh_from_db()
    assert acme.organization.default_environment_slug == "acme-gpu"
    answer = acme.browser.post(f"{LIST}default/", {"environment": "rival-gpu"}, follow=True)
    assert "is no environment that projects of acme can use" in answer.content.decode()
    acme.organization.refresh_from_db()
    assert acme.organization.default_environment_slug == "acme-gpu"


def test_pages_are_the_owners(acme: Tenant, rival: Tenant) -> None:
    for path in (LIST, f"{LIST}create/", f"{LIST}acme-gpu/"):
        assert browser_of(acme.member).get(path).status_code == 403
        assert rival.browser.get(path).status_code == 404
    assert rival.browser.get("/organizations/rival/environments/acme-gpu/").status_code == 404
