"""Owners of an organization manage its environments: create, change, delete, quotas of teams. Refusals change nothing."""

from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEvent
from common.errors import DomainError
from environments import services
from environments.models import Environment, TeamPlace
from environments.services.defaults import check_default_of_organization
from organizations.access import Forbidden
from organizations.services import change_settings, remove_member, settings_checks
from projects.services import create_project, update_project
from tests.conftest import api_of
from tests.support.factories import (
    make_environment,
    make_execution,
    make_organization,
    make_place,
    make_project,
    make_team,
)
from tests.support.shapes import Nullable, assert_shape
from tests.support.tenants import Tenant

LIST = "/api/v0/environments/"
NAMED = {"id": int, "username": str}
SHAPE = {
    "id": str, "slug": str, "name": str, "description": str, "enabled": bool, "owner": Nullable(NAMED),
    "team": Nullable({"id": str, "name": str}), "member": Nullable(NAMED), "restricted_to_teams": bool, "type": str,
    "provider": str | None, "has_gpu": bool, "gpu_spec": str, "is_scalable": bool, "spot": bool, "spot_max_price": float,
    "allow_personal_usage": bool, "bill_usage": bool, "can_admin": bool, "per_hour_price_usd": str,
    "per_user_queue_quota": int, "per_user_resource_quotas": type(None), "max_running": int, "default_image": str,
    "requires_mounts": bool, "mount_rules": list, "scale_min": int, "scale_max": int, "scale_down_grace_period": int, "enable_smart_vm_selection": bool,
    "supports_priority": bool, "queue_name": str, "dispatch": dict, "machine_template": dict, "ctime": str, "mtime": str, "url": str,
    "requires_enrolled_workers": bool, "agents_update": bool,
}  # fmt: skip

OF_MANAGERS = {"queue_name", "machine_template", "mount_rules", "dispatch"}


def send(api: Any, method: str, path: str, body: Any = None) -> Any:
    return getattr(api, method)(f"{LIST}{path}", body, format="json")


def kinds() -> list[str]:
    return list(AuditEvent.objects.order_by("created_at").values_list("kind", flat=True))


class TestCreating:
    def test_an_owner_creates_one_for_the_organization(self, acme: Tenant) -> None:
        body = {
            "slug": "acme-aws-l4", "name": "L4", "scale_max": 20, "per_hour_price_usd": "1.25", "team": "vision",
            "per_user_queue_quota": 3, "has_gpu": True, "gpu_spec": "1 x L4",
        }  # fmt: skip
        answer = send(acme.api, "post", "", body)
        assert answer.status_code == 201, answer.content
        assert_shape(answer.json(), SHAPE)
        shown = answer.json()
        assert (shown["owner"]["username"], shown["team"]["name"], shown["can_admin"]) == (
            "acme",
            "vision",
            True,
        )
        assert (shown["queue_name"], shown["scale_max"], shown["per_hour_price_usd"]) == (
            "acme-aws-l4",
            20,
            "1.25000",
        )
        assert acme.api.get(f"{LIST}acme-aws-l4/").json() == shown
        event = AuditEvent.objects.get()
        assert (event.kind, event.owner_ids, event.after["slug"]) == (
            "environment.created",
            [acme.organization.pk],
            "acme-aws-l4",
        )

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"slug": "gpu"}, "slug"),
            ({"slug": "rival-gpu"}, "slug"),
            ({"slug": "acme-GPU"}, "slug"),
            ({"slug": "acme-gpu"}, "slug"),
            ({"slug": "create"}, "slug"),
            ({"slug": "acme-" + "x" * 130}, "slug"),
            ({"slug": "acme-x/../y"}, "slug"),
            ({"queue_name": "local"}, "queue_name"),
            ({"queue_name": "acme-x:tokens"}, "queue_name"),
            ({"name": " "}, "name"),
            ({"scale_min": -1}, "scale_min"),
            ({"scale_min": 5, "scale_max": 4}, "scale_max"),
            ({"scale_max": 10**30}, "scale_max"),
            ({"per_user_queue_quota": -1}, "per_user_queue_quota"),
            ({"max_running": -1}, "max_running"),
            ({"per_hour_price_usd": "-0.01"}, "per_hour_price_usd"),
            ({"per_hour_price_usd": "NaN"}, "per_hour_price_usd"),
            ({"per_hour_price_usd": 10**9}, "per_hour_price_usd"),
            ({"scale_down_grace_period": "soon"}, "scale_down_grace_period"),
            ({"team": "foreign-team"}, "team"),
            ({"member": "otto"}, "member"),
            ({"team": "vision", "member": "mina"}, "member"),
            ({"owner": "rival"}, "owner"),
            ({"owner": True}, "owner"),
            ({"default_image": "a b"}, "default_image"),
        ],
    )
    def test_bad_values_name_their_field(
        self, acme: Tenant, rival: Tenant, body: dict[str, Any], field: str
    ) -> None:
        answer = send(acme.api, "post", "", {"slug": "acme-new", "name": "New", **body})
        assert answer.status_code == 400, answer.content
        assert set(answer.json()) == {field}
        assert Environment.objects.count() == 2
        assert not AuditEvent.objects.exists()

    def test_an_id_is_no_slug(self, superuser_api: Any, acme: Tenant) -> None:
        answer = send(superuser_api, "post", "", {"slug": str(acme.environment.pk), "name": "New"})
        assert set(answer.json()) == {"slug"}

    def test_the_queue_of_another_owner_would_hand_their_jobs_over(self, acme: Tenant) -> None:
        # A superuser may have called the queue of another owner like one of acme.
        make_environment("shared", queue_name="acme-shared")
        body = {"slug": "acme-thief", "name": "Thief", "queue_name": "acme-shared"}
        answer = send(acme.api, "post", "", body)
        assert answer.status_code == 400
        assert "cannot be used here" in answer.json()["queue_name"][0]["message"]
        own = {"slug": "acme-twin", "name": "Twin", "queue_name": "acme-gpu"}
        assert send(acme.api, "post", "", own).status_code == 201

    def test_the_namespace_of_an_older_organization_is_closed(
        self, acme: Tenant, charlie: User, charlie_api: Any
    ) -> None:
        """Whether a name in it is used does not show, and nobody sits down there."""
        make_organization("acme-gpu", owners=(charlie,))
        make_environment("acme-gpu-two", owner=acme.organization.owner)
        answers = [
            send(charlie_api, "post", "", {"slug": slug, "name": "x", "owner": "acme-gpu"})
            for slug in ("acme-gpu-two", "acme-gpu-free")
        ]
        assert {answer.status_code for answer in answers} == {400}
        assert answers[0].json() == answers[1].json()
        assert answers[0].json()["slug"][0]["code"] == "namespace"
        assert Environment.objects.count() == 2
        assert send(acme.api, "post", "", {"slug": "acme-gpu-big", "name": "Big"}).status_code == 201

    def test_members_and_strangers_create_none(
        self, acme: Tenant, charlie_api: Any, anonymous_api: Any
    ) -> None:
        body = {"slug": "acme-new", "name": "New"}
        for api in (acme.member_api, charlie_api):
            for owner in ({}, {"owner": "acme"}, {"owner": acme.organization.pk}, {"owner": None}):
                answer = send(api, "post", "", {**body, **owner})
                assert set(answer.json()) == {"owner"}
        assert send(anonymous_api, "post", "", body).status_code == 401
        assert Environment.objects.count() == 1

    def test_a_superuser_creates_what_is_everybody_s(self, superuser_api: Any, acme: Tenant) -> None:
        answer = send(superuser_api, "post", "", {"slug": "big", "name": "Big", "queue_name": "acme-gpu"})
        assert answer.status_code == 201
        assert answer.json()["owner"] is None


class TestChanging:
    def test_an_owner_changes_settings(self, acme: Tenant) -> None:
        answer = send(acme.api, "patch", "acme-gpu/", {"scale_max": 9, "enabled": False, "member": "mina"})
        assert answer.status_code == 200
        assert (answer.json()["scale_max"], answer.json()["enabled"]) == (9, False)
        assert answer.json()["member"] == {"id": acme.member.pk, "username": "mina"}
        event = AuditEvent.objects.get()
        assert (event.kind, event.actor_name) == ("environment.changed", "olga")
        assert event.before == {"enabled": True, "scale_max": 5, "member": None}
        assert event.after == {"enabled": False, "scale_max": 9, "member": "mina"}
        assert send(acme.api, "put", "acme-gpu/", {"member": None}).json()["member"] is None
        assert send(acme.api, "put", "acme-gpu/", {"scale_max": 9}).status_code == 200
        assert kinds() == ["environment.changed"] * 2

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"scale_max": -1}, "scale_max"),
            ({"scale_min": 6}, "scale_max"),
            ({"team": "foreign-team"}, "team"),
            ({"member": "otto"}, "member"),
            ({"slug": "acme-new"}, "slug"),
            ({"queue_name": "acme-new"}, "queue_name"),
            ({"owner": "rival"}, "owner"),
        ],
    )
    def test_what_is_wrong_changes_nothing(
        self, acme: Tenant, rival: Tenant, body: dict[str, Any], field: str
    ) -> None:
        before = Environment.objects.values().get(pk=acme.environment.pk)
        answer = send(acme.api, "patch", "acme-gpu/", {"name": "new", **body})
        assert answer.status_code == 400
        assert set(answer.json()) == {field}
        assert Environment.objects.values().get(pk=acme.environment.pk) == before
        assert not AuditEvent.objects.exists()

    def test_the_same_slug_is_no_change(self, acme: Tenant) -> None:
        body = {"slug": "acme-gpu", "queue_name": "acme-gpu", "name": "new"}
        assert send(acme.api, "put", "acme-gpu/", body).json()["name"] == "new"

    def test_members_may_not_and_strangers_find_nothing(self, acme: Tenant, rival: Tenant) -> None:
        for method in ("put", "patch", "delete"):
            assert send(acme.member_api, method, "acme-gpu/", {"name": "x"}).status_code == 403
            assert send(rival.api, method, "acme-gpu/", {"name": "x"}).status_code == 404
            assert send(rival.api, method, f"{acme.environment.pk}/", {"name": "x"}).status_code == 404
        acme.environment.refresh_from_db()
        assert acme.environment.name == "GPU box"

    def test_everybody_s_is_the_superuser_s(self, acme: Tenant, superuser_api: Any) -> None:
        make_environment("shared")
        answer = send(acme.api, "patch", "shared/", {"enabled": False})
        assert answer.status_code == 403
        assert "superusers" in answer.json()["message"]
        answer = send(superuser_api, "patch", "shared/", {"owner": "acme"})
        assert answer.json()["owner"]["username"] == "acme"

    def test_places_of_the_former_owner_s_teams_go_with_it(self, acme: Tenant, superuser: User) -> None:
        make_place(acme.environment, acme.team, 2)
        services.update_environment(environment=acme.environment, actor=superuser, owner=None)
        assert not TeamPlace.objects.exists()

    def test_a_stranger_s_service_call_is_refused(self, acme: Tenant, rival: Tenant) -> None:
        with pytest.raises(DomainError) as refused:
            services.update_environment(environment=acme.environment, actor=rival.owner, name="x")
        assert refused.value.http_status == 403
        assert "owners of acme" in refused.value.message


class TestLists:
    def test_what_one_uses_and_what_one_administers(self, acme: Tenant, rival: Tenant) -> None:
        make_environment("shared")
        off = make_environment("acme-off", owner=acme.organization.owner, enabled=False)

        def slugs(api: Any, **query: str) -> list[str]:
            return [row["slug"] for row in api.get(LIST, query).json()["results"]]

        assert slugs(acme.api) == ["acme-gpu", "shared"] or slugs(acme.api) == ["shared", "acme-gpu"]
        assert set(slugs(acme.api, manage="true")) == {"acme-gpu", "acme-off"}
        assert slugs(acme.member_api, manage="True") == []
        assert acme.api.get(f"{LIST}acme-off/").json()["enabled"] is False
        assert acme.member_api.get(f"{LIST}acme-off/").status_code == 404
        assert send(acme.api, "patch", f"{off.pk}/", {"enabled": True}).status_code == 200

    def test_members_see_it_without_its_queue(self, acme: Tenant) -> None:
        shown = acme.member_api.get(f"{LIST}acme-gpu/").json()
        assert_shape(shown, {name: shape for name, shape in SHAPE.items() if name not in OF_MANAGERS})
        assert shown["can_admin"] is False


class TestDeleting:
    def test_one_that_nothing_used(self, acme: Tenant) -> None:
        make_place(acme.environment, acme.team, 1)
        assert send(acme.api, "delete", "acme-gpu/").status_code == 204
        assert not Environment.objects.exists()
        assert kinds() == ["environment.deleted"]

    def test_one_that_executions_refer_to_stays(self, acme: Tenant) -> None:
        make_execution(make_project(acme.organization), environment=acme.environment)
        answer = send(acme.api, "delete", "acme-gpu/")
        assert answer.status_code == 409
        assert "Disable it instead" in answer.json()["message"]
        assert Environment.objects.exists()
        assert not AuditEvent.objects.exists()


class TestMembersWhoLeave:
    @pytest.fixture
    def environment(self, acme: Tenant) -> Environment:
        Environment.objects.filter(pk=acme.environment.pk).update(member=acme.member)
        return Environment.objects.get(pk=acme.environment.pk)

    def test_what_was_theirs_is_switched_off_until_an_owner_decides(
        self, acme: Tenant, environment: Environment
    ) -> None:
        remove_member(organization=acme.organization, actor=acme.owner, user=acme.member)
        environment.refresh_from_db()
        assert (environment.member, environment.enabled) == (None, False)
        assert "environment.changed" in kinds()

    def test_a_member_who_is_none_any_more_hinders_no_other_change(
        self, acme: Tenant, environment: Environment
    ) -> None:
        acme.organization.memberships.filter(user=acme.member).delete()
        assert send(acme.api, "patch", "acme-gpu/", {"enabled": False}).status_code == 200
        assert set(send(acme.api, "patch", "acme-gpu/", {"member": "otto"}).json()) == {"member"}


def test_who_loses_an_environment_reads_of_it(acme: Tenant, rival: Tenant, superuser_api: Any) -> None:
    assert send(superuser_api, "patch", "acme-gpu/", {"owner": "rival"}).status_code == 200
    event = AuditEvent.objects.get(kind="environment.changed")
    assert {acme.organization.pk, rival.organization.pk} <= set(event.owner_ids)


class TestQuotasOfTeams:
    PATH = "acme-gpu/team-quotas/"

    def test_the_list_is_replaced(self, acme: Tenant) -> None:
        research = make_team(acme.organization, "research")
        make_place(acme.environment, research, 4)
        body = [{"team": str(acme.team.pk), "max_running": 2}, {"team": "research", "max_running": None}]
        answer = send(acme.api, "put", self.PATH, body)
        assert answer.status_code == 200, answer.content
        assert_shape(answer.json(), [{"team": {"id": str, "name": str}, "max_running": int | None}])
        assert [(row["team"]["name"], row["max_running"]) for row in answer.json()] == [
            ("research", None), ("vision", 2),
        ]  # fmt: skip
        assert send(acme.api, "get", self.PATH).json() == answer.json()
        event = AuditEvent.objects.get()
        assert (event.before, event.after) == (
            {"teams": {"research": 4}},
            {"teams": {"research": "no limit", "vision": 2}},
        )
        assert send(acme.api, "put", self.PATH, []).json() == []
        assert not TeamPlace.objects.exists()

    @pytest.mark.parametrize(
        "item",
        [
            {"team": "foreign-team", "max_running": 1},
            {"team": "vision", "max_running": -1},
            {"team": "vision", "max_running": "many"},
            {"team": "vision", "max_running": 10**8},
            {"team": "vision"},
            {"max_running": 1},
            {"team": None, "max_running": 1},
            "vision",
        ],
    )
    def test_bad_quotas_change_nothing(self, acme: Tenant, rival: Tenant, item: Any) -> None:
        make_place(acme.environment, acme.team, 4)
        answer = send(acme.api, "put", self.PATH, [item])
        assert answer.status_code == 400
        assert TeamPlace.objects.get().max_running == 4
        assert not AuditEvent.objects.exists()

    def test_only_owners(self, acme: Tenant, rival: Tenant) -> None:
        for method in ("get", "put"):
            assert send(acme.member_api, method, self.PATH, []).status_code == 403
            assert send(rival.api, method, self.PATH, []).status_code == 404

    def test_a_team_of_another_organization_is_refused_by_the_service(
        self, acme: Tenant, rival: Tenant
    ) -> None:
        with pytest.raises(DomainError) as refused:
            services.set_team_quota(
                environment=acme.environment, actor=acme.owner, team=rival.team, has_place=True, quota=1
            )
        assert refused.value.field == "team"
        assert not TeamPlace.objects.exists()


class TestDefaults:
    def test_of_new_projects(self, acme: Tenant) -> None:
        change_settings(organization=acme.organization, actor=acme.owner, default_environment_slug="acme-gpu")
        acme.organization.refresh_from_db()
        project = create_project(actor=acme.member, name="new", owner=acme.organization.owner)
        assert project.default_environment_slug == "acme-gpu"
        assert create_project(actor=acme.member, name="own").default_environment_slug == ""
        assert "organization.settings_changed" in kinds()

    @pytest.mark.parametrize("slug", ["rival-gpu", "absent", "acme-off", "acme-team", "acme-gpu\0"])
    def test_only_what_its_projects_can_use(self, acme: Tenant, rival: Tenant, slug: str) -> None:
        make_environment("acme-off", owner=acme.organization.owner, enabled=False)
        make_environment("acme-team", owner=acme.organization.owner, team=acme.team)
        with pytest.raises(DomainError) as refused:
            change_settings(organization=acme.organization, actor=acme.owner, default_environment_slug=slug)
        assert refused.value.field == "default_environment_slug"
        acme.organization.refresh_from_db()
        assert acme.organization.default_environment_slug == ""

    def test_members_do_not_decide(self, acme: Tenant) -> None:
        with pytest.raises(Forbidden):
            change_settings(
                organization=acme.organization, actor=acme.member, default_environment_slug="acme-gpu"
            )

    def test_the_settings_of_an_organization_ask(self, acme: Tenant) -> None:
        assert check_default_of_organization in settings_checks
        check_default_of_organization(acme.organization, {"require_2fa": True})

    def test_of_a_project(self, acme: Tenant, rival: Tenant) -> None:
        project = make_project(acme.organization, creator=acme.member)
        api = api_of(acme.member)
        path = f"/api/v0/projects/{project.pk}/"
        answer = api.patch(path, {"default_environment": "acme-gpu"}, format="json")
        assert answer.json()["default_environment"] == "acme-gpu"
        refused = api.patch(path, {"default_environment": "rival-gpu"}, format="json")
        assert refused.json()["default_environment"][0]["code"] == "does_not_exist"
        make_place(acme.environment, acme.team, 0)
        project.refresh_from_db()
        # What stands there already is no change, so that other settings can be saved.
        update_project(project=project, actor=acme.member, name="rival", default_environment_slug="acme-gpu")
        project.refresh_from_db()
        assert (project.name, project.default_environment_slug) == ("rival", "acme-gpu")
