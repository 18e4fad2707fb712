"""Rules of retention: what they would purge, what they never purge, and that nobody is surprised."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.storage import default_storage
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEvent
from common import clock
from common.errors import DomainError
from datastores.models import Datum, RetentionRule
from datastores.retention import background, services
from datastores.retention.errors import RuleRefused, RuleUntried
from datastores.retention.matching import candidates, measure
from executions.types import Status
from organizations.access import Forbidden
from projects.models import Project
from tests.support import factories

pytestmark = pytest.mark.django_db


def old(project: Project, name: str = "old.bin", days: int = 100, **fields: Any) -> Datum:
    datum = factories.make_datum(project, name=name, **fields)
    Datum.objects.filter(pk=datum.pk).update(created_at=clock.now() - timedelta(days=days))
    return datum


def rule_of(project: Project, **fields: Any) -> RetentionRule:
    values = {"name": "old files", "min_age_days": 90, "only_unused": False, **fields}
    return RetentionRule.objects.create(project=project, **values)


def names(rule: RetentionRule) -> list[str]:
    return [datum.name for datum in candidates(rule)]


def enabled(project: Project, **fields: Any) -> RetentionRule:
    return rule_of(project, tried_at=clock.now(), enabled_at=clock.now(), **fields)


class TestWhatWouldGo:
    def test_only_what_is_older_and_of_the_project(self, project: Project, alice: User) -> None:
        old(project), old(factories.make_project(alice)), old(project, "young.bin", days=10)
        assert names(rule_of(project)) == ["old.bin"]

    def test_tag_store_and_name(self, project: Project) -> None:
        bucket = factories.make_store(
            name="bucket", is_default=False, kind="s3", configuration={"bucket": "b"}, project=project
        )
        old(project, "runs/1/a.pt", tags=["temporary"], store=bucket)
        old(project, "runs/1/b.pt", tags=["kept"])
        old(project, "model.pt")
        assert names(rule_of(project, name="1", tag="temporary")) == ["runs/1/a.pt"]
        assert names(rule_of(project, name="2", store=bucket)) == ["runs/1/a.pt"]
        assert names(rule_of(project, name="3", name_pattern="*.pt")) == ["model.pt"]
        assert sorted(names(rule_of(project, name="4", name_pattern="runs/**.pt"))) == [
            "runs/1/a.pt", "runs/1/b.pt",
        ]  # fmt: skip
        assert names(rule_of(project, name="5", name_pattern="m.del.pt")) == [], "a dot is a dot"

    @pytest.mark.parametrize("pattern", ["[", "(", "a{2", "\\", "^$", "+", "***", "ä€", "'; --"])
    def test_no_pattern_is_an_error_in_the_database(self, project: Project, pattern: str) -> None:
        old(project, f"x{pattern.replace(chr(92), '')}")
        assert measure(rule_of(project, name_pattern=pattern))[0] in (0, 1)

    def test_files_that_were_used_stay_when_the_rule_says_so(self, project: Project) -> None:
        used, _ = old(project, "used.bin"), old(project, "unused.bin")
        factories.make_run(project, inputs=(used,))
        assert names(rule_of(project, only_unused=True)) == ["unused.bin"]
        assert len(names(rule_of(project, name="all"))) == 2

    def test_what_is_held_stays_whatever_the_rule_says(self, project: Project) -> None:
        aliased, queued, versioned, _ = (
            old(project, name) for name in ("aliased", "queued", "versioned", "free")
        )
        factories.make_dataset_version(factories.make_dataset(project), versioned)
        factories.make_alias(project, "best", aliased)
        factories.make_run(project, inputs=(queued,), status=Status.QUEUED)
        assert names(rule_of(project)) == ["free"]

    def test_adopted_purged_and_unfinished_files_are_left_alone(self, project: Project) -> None:
        old(project, is_adopted=True)
        old(project, purged_at=clock.now())
        old(project, stored_at=None)
        assert names(rule_of(project)) == []


class TestLife:
    def test_nothing_goes_before_it_was_tried_and_enabled(self, project: Project, alice: User) -> None:
        old(project, content=b"12345")
        rule = services.create_rule(project=project, actor=alice, name="old", min_age_days=90)
        assert services.purge_batch(rule) == 0
        with pytest.raises(RuleUntried):
            services.enable_rule(rule=rule, actor=alice)
        tried = services.try_rule(rule=rule, actor=alice)
        assert (tried.tried_count, tried.tried_bytes) == (1, 5)
        assert services.purge_batch(rule) == 0
        services.enable_rule(rule=rule, actor=alice)
        assert services.purge_batch(rule) == 1
        rule.refresh_from_db()
        assert (rule.purged_count, rule.purged_bytes) == (1, 5)

    def test_a_changed_rule_is_off_until_it_is_tried_again(self, project: Project, alice: User) -> None:
        rule = enabled(project)
        renamed = services.change_rule(rule=rule, actor=alice, name="other name")
        assert renamed.enabled_at, "a name changes nothing"
        changed = services.change_rule(rule=renamed, actor=alice, min_age_days=2)
        assert (changed.enabled_at, changed.tried_at) == (None, None)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", " "), ("name", "x" * 129), ("min_age_days", 0), ("min_age_days", 10**6), ("tag", "a\0b"),
            ("name_pattern", "x" * 257), ("nonsense", 1),
        ],
    )  # fmt: skip
    def test_bad_rules_are_refused(self, project: Project, alice: User, field: str, value: Any) -> None:
        fields = {"name": "old", "min_age_days": 90, field: value}
        with pytest.raises(RuleRefused) as refused:
            services.create_rule(project=project, actor=alice, **fields)
        assert refused.value.field == field
        assert not RetentionRule.objects.exists()

    def test_names_are_unique_and_stores_the_project_s(self, project: Project, alice: User) -> None:
        rule_of(project, name="Old")
        foreign = factories.make_store(
            name="x", is_default=False, access_mode="single_project", project=factories.make_project(alice)
        )
        for fields in ({"name": "old"}, {"name": "new", "store": foreign}):
            with pytest.raises(RuleRefused):
                services.create_rule(project=project, actor=alice, min_age_days=3, **fields)
        assert RetentionRule.objects.count() == 1

    def test_only_administrators(self, project: Project, bob: User) -> None:
        rule = enabled(project)
        for act in (services.try_rule, services.enable_rule, services.disable_rule, services.delete_rule):
            with pytest.raises(Forbidden):
                act(rule=rule, actor=bob)
        with pytest.raises(DomainError):
            services.create_rule(project=project, actor=bob, name="x", min_age_days=1)
        assert RetentionRule.objects.get().enabled_at


class TestNight:
    def test_batches_follow_each_other_and_leave_audit_rows(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(services, "BATCH", 2)
        monkeypatch.setattr(background, "BATCH", 2)
        asked: list[Any] = []
        monkeypatch.setattr(background.apply_rule, "apply_async", lambda args, **_: asked.append(args))
        datums = [old(project, f"{number}.bin") for number in range(3)]
        rule = enabled(project)
        background.apply_retention()
        background.apply_retention()
        assert asked == [[str(rule.pk)]], "once a day"
        background.apply_rule(str(rule.pk))
        assert Datum.objects.filter(purged_at__isnull=False).count() == 2
        assert len(asked) == 2
        background.apply_rule(str(rule.pk))
        assert Datum.objects.filter(purged_at__isnull=False).count() == 3
        assert len(asked) == 2, "nothing is left"
        events = AuditEvent.objects.filter(kind="datum.purged", target_id__in=[str(d.pk) for d in datums])
        assert [event.actor_id for event in events] == [None] * 3
        assert {event.after["rule"] for event in events} == {"old files"}
        assert default_storage.exists(datums[0].key), "bytes go after the commit, by a task"

    def test_what_began_to_be_needed_since_the_dry_run_stays(self, project: Project) -> None:
        rule, datum = enabled(project), old(project)
        assert names(rule) == ["old.bin"]
        factories.make_alias(project, "best", datum)
        assert services.purge_batch(rule) == 0
        datum.refresh_from_db()
        assert datum.purged_at is None

    def test_a_rule_that_is_off_is_not_started(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache.clear()
        asked: list[Any] = []
        monkeypatch.setattr(background.apply_rule, "apply_async", lambda args, **_: asked.append(args))
        rule_of(project)
        background.apply_retention()
        assert asked == []


class TestApi:
    def test_a_rule_from_the_first_to_the_last_day(self, project: Project, alice_api: APIClient) -> None:
        datum = old(project, "a.bin")
        made = alice_api.post(
            f"/api/v0/projects/{project.pk}/retention-rules/",
            {"name": "old", "min_age_days": 30, "name_pattern": "*.bin"},
            format="json",
        )
        assert made.status_code == 201
        at = f"/api/v0/retention-rules/{made.json()['id']}/"
        assert (made.json()["enabled"], made.json()["dry_run"], made.json()["only_unused"]) == (
            False,
            None,
            True,
        )
        refused = alice_api.post(f"{at}enable/")
        assert (refused.status_code, refused.json()["code"]) == (409, "dry_run_needed")
        assert alice_api.post(f"{at}dry-run/").json()["dry_run"]["files"] == 1
        assert [row["id"] for row in alice_api.get(f"{at}files/").json()["results"]] == [str(datum.pk)]
        assert alice_api.post(f"{at}enable/").json()["enabled"] is True
        changed = alice_api.patch(at, {"min_age_days": 60}, format="json").json()
        assert (changed["enabled"], changed["dry_run"]) == (False, None)
        assert alice_api.delete(at).status_code == 204
        assert alice_api.get(f"/api/v0/projects/{project.pk}/retention-rules/").json() == []


class TestPages:
    def test_try_look_enable(self, project: Project, alice_browser: Any) -> None:
        at = f"/p/alice/{project.name}/settings/retention/"
        old(project, "ancient.bin")
        answer = alice_browser.post(at, {"name": "old", "min_age_days": 90, "only_unused": "on"})
        rule = RetentionRule.objects.get()
        assert answer["Location"] == f"{at}{rule.pk}/"
        assert "was not tried" in alice_browser.get(f"{at}{rule.pk}/").content.decode()
        alice_browser.post(f"{at}{rule.pk}/", {"action": "try"})
        page = alice_browser.get(f"{at}{rule.pk}/").content.decode()
        assert "ancient.bin" in page
        Datum.objects.update(purged_at=clock.now())
        page = alice_browser.get(f"{at}{rule.pk}/").content.decode()
        assert "No file fits the rule now." in page, "tried, though nothing is found"
        alice_browser.post(f"{at}{rule.pk}/", {"action": "enable"})
        assert RetentionRule.objects.get().enabled_at
        assert "old" in alice_browser.get(at).content.decode()
        alice_browser.post(f"{at}{rule.pk}/", {"action": "delete"})
        assert not RetentionRule.objects.exists()

    def test_a_refusal_is_shown_beside_its_field(self, project: Project, alice_browser: Any) -> None:
        rule_of(project, name="old")
        at = f"/p/alice/{project.name}/settings/retention/"
        page = alice_browser.post(at, {"name": "old", "min_age_days": 90}).content.decode()
        assert "is there already" in page
