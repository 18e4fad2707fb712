"""Environments: who may use which, what a reference means, and the API's shape."""

from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from environments.errors import EnvironmentNotFound, NoEnvironment
from environments.models import Environment, Worker
from environments.selectors import PROJECT_DEFAULT, default_environment, environments_for, resolve_environment
from environments.services import ensure_default_environment, record_worker
from executions.types import Status
from projects.models import Project
from tests.support.factories import make_environment, make_execution, make_organization

LIST = "/api/v0/environments/"


def slugs(user: User) -> set[str]:
    return set(environments_for(user).values_list("slug", flat=True))


def test_the_installation_has_one_environment_and_keeps_its_settings(db: None) -> None:
    environment = ensure_default_environment()
    assert (environment.slug, environment.queue_name) == ("local", "local")
    Environment.objects.update(name="renamed", enabled=False)
    assert ensure_default_environment().name == "renamed"
    assert Environment.objects.count() == 1


def test_who_may_use_which(alice: User, bob: User, charlie: User, superuser: User) -> None:
    house = make_organization("house", members=(alice,))
    make_environment("everybody")
    make_environment("hers", owner=alice.owner)
    make_environment("houses", owner=house.owner)
    make_environment("off", enabled=False)
    assert slugs(alice) == {"everybody", "hers", "houses"}
    assert slugs(charlie) == {"everybody"}
    assert slugs(superuser) == {"everybody", "hers", "houses"}


def test_a_reference_is_a_slug_an_id_or_the_project_s_default(alice: User, project: Project) -> None:
    local, gpu = ensure_default_environment(), make_environment("gpu")
    assert resolve_environment(alice, "gpu", project) == gpu
    assert resolve_environment(alice, str(gpu.pk), project) == gpu
    assert resolve_environment(alice, gpu.pk.hex.upper(), project) == gpu
    assert resolve_environment(alice, PROJECT_DEFAULT, project) == local
    project.default_environment_slug = "gpu"
    assert resolve_environment(alice, PROJECT_DEFAULT, project) == gpu


@pytest.mark.parametrize("reference", ["absent", "", "x\0y", "hidden", "GPU"])
def test_references_to_nothing_that_one_may_use(
    charlie: User, alice: User, project: Project, reference: str
) -> None:
    make_environment("hidden", owner=alice.owner)
    make_environment("gpu")
    with pytest.raises(EnvironmentNotFound) as refused:
        resolve_environment(charlie, reference, project)
    assert (refused.value.field, refused.value.code, refused.value.http_status) == (
        "environment",
        "does_not_exist",
        400,
    )
    assert refused.value.message == f"Object with slug or primary key {reference} does not exist."


def test_a_default_that_may_not_be_used_is_passed_over(alice: User, charlie: User, project: Project) -> None:
    with pytest.raises(NoEnvironment):
        default_environment(alice, project)
    other = make_environment("other")
    assert default_environment(alice, project) == other
    local = ensure_default_environment()
    project.default_environment_slug = "hers"
    make_environment("hers", owner=alice.owner)
    assert default_environment(alice, project).slug == "hers"
    assert default_environment(charlie, project) == local


def test_the_object_has_every_key_of_the_contract(alice_api: APIClient, alice: User) -> None:
    environment = make_environment(
        "gpu", owner=alice.owner, has_gpu=True, gpu_spec="1 x T4", per_hour_price_usd=Decimal("1.5")
    )
    shown = alice_api.get(f"{LIST}gpu/").json()
    assert shown.pop("ctime").endswith("Z")
    assert shown.pop("mtime").endswith("Z")
    assert shown == {
        "id": str(environment.pk), "slug": "gpu", "name": "gpu", "description": "", "enabled": True,
        "owner": {"id": alice.pk, "username": "alice"}, "team": None, "member": None,
        "restricted_to_teams": False, "requires_enrolled_workers": False, "agents_update": True, "max_running": 0, "default_image": "", "type": "vm", "provider": None, "has_gpu": True,
        "gpu_spec": "1 x T4", "is_scalable": False, "spot": False, "spot_max_price": 0.0,
        "allow_personal_usage": True, "bill_usage": False, "can_admin": False, "per_hour_price_usd": "1.50000",
        "per_user_queue_quota": 0, "per_user_resource_quotas": None, "requires_mounts": False, "scale_min": 0, "scale_max": 5,
        "scale_down_grace_period": 15, "enable_smart_vm_selection": False, "supports_priority": True,
        "url": f"http://testserver{LIST}{environment.pk}/",
    }  # fmt: skip


def test_unfinished_jobs_only_when_asked_for(alice_api: APIClient, project: Project) -> None:
    environment = make_environment("busy")
    make_environment("idle")
    for status in (Status.QUEUED, Status.STARTED, Status.COMPLETE):
        make_execution(project, status=status, environment=environment)
    rows = alice_api.get(LIST, {"limit": 9000, "include": "unfinished_job_count"}).json()["results"]
    assert {row["slug"]: row["unfinished_job_count"] for row in rows} == {"busy": 2, "idle": 0}
    assert "unfinished_job_count" not in alice_api.get(LIST).json()["results"][0]
    detail = alice_api.get(
        f"{LIST}busy/", {"include": "unfinished_job_count", "exclude": "name, slug"}
    ).json()
    assert detail["unfinished_job_count"] == 2
    assert not {"name", "slug"} & set(detail)


def test_to_a_stranger_it_does_not_exist(
    alice_api: APIClient, charlie_api: APIClient, anonymous_api: APIClient, alice: User
) -> None:
    hidden = make_environment("hidden", owner=alice.owner)
    assert alice_api.get(LIST).json()["count"] == 1
    assert charlie_api.get(LIST).json()["results"] == []
    for reference in ("hidden", str(hidden.pk), "absent", "%00"):
        assert charlie_api.get(f"{LIST}{reference}/").status_code == 404
    assert anonymous_api.get(LIST).status_code == 401


@pytest.mark.parametrize("rows", [2, 20])
def test_the_list_costs_the_same_for_few_and_many(
    alice_api: APIClient, alice: User, rows: int, django_assert_num_queries: Any
) -> None:
    for _ in range(rows):
        make_environment(owner=alice.owner)
    with django_assert_num_queries(3):
        assert alice_api.get(LIST, {"include": "unfinished_job_count"}).json()["count"] == rows


def test_a_worker_is_one_row_that_is_brought_up_to_date(db: None) -> None:
    record_worker(identity="host-1-boot", host="host", queues=["local"], facts={"cpus": 2})
    first = Worker.objects.get()
    record_worker(identity="host-1-boot", host="h" * 300, agent_version="0.2", runtime="process")
    again = Worker.objects.get()
    assert again == first
    assert again.last_seen_at >= first.last_seen_at
    assert (again.agent_version, again.runtime, again.queues) == ("0.2", "process", [])
