"""Writes of retention: rules, their dry runs, and what they purge at night."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import User
from audit.services import record, record_change
from common import clock
from common.notices import publish_on_commit
from datastores.datasets.packaging.dropping import drop_with
from datastores.models import DatasetFile, Datum, RetentionRule
from datastores.names import MAX_TAG_LENGTH
from datastores.retention.errors import RuleRefused, RuleUntried
from datastores.retention.matching import candidates, measure
from datastores.retention.selectors import stores_for_rules
from datastores.services import erase_on_commit
from organizations.access import Capability, require
from projects.models import Project

MOST_RULES = 50
LONGEST_NAME = 128
LONGEST_PATTERN = 256
MOST_DAYS = 36_500
FIELDS = ("name", "store", "min_age_days", "tag", "name_pattern", "only_unused")
BATCH = 200


@transaction.atomic
def create_rule(*, project: Project, actor: User, **fields: Any) -> RetentionRule:
    """`fields` are those of `FIELDS`, `name` and `min_age_days` at least. Raises `RuleRefused`."""
    require(actor, Capability.ADMINISTER, project)
    rule = RetentionRule(project=project)
    _set(rule, fields)
    if RetentionRule.objects.filter(project=project).count() >= MOST_RULES:
        raise RuleRefused("name", f"A project has at most {MOST_RULES} rules. Delete one first.")
    _save(rule)
    record("retention_rule.created", actor=actor, target=rule, after=_shown(rule))
    return rule


@transaction.atomic
def change_rule(*, rule: RetentionRule, actor: User, **fields: Any) -> RetentionRule:
    """A rule that changed is off until it was tried again. Raises `RuleRefused`."""
    require(actor, Capability.ADMINISTER, rule.project)
    row = _locked(rule)
    before, matched = _shown(row), _matching(row)
    _set(row, fields)
    if _shown(row) != before:
        if _matching(row) != matched:
            row.tried_at = row.enabled_at = None
        _save(row)
        record_change("retention_rule.changed", actor=actor, target=row, before=before, after=_shown(row))
    return row


@transaction.atomic
def delete_rule(*, rule: RetentionRule, actor: User) -> None:
    require(actor, Capability.ADMINISTER, rule.project)
    removed, _ = RetentionRule.objects.filter(pk=rule.pk).delete()
    if removed:
        record("retention_rule.deleted", actor=actor, target=rule, before=_shown(rule))


@transaction.atomic
def try_rule(*, rule: RetentionRule, actor: User) -> RetentionRule:
    """The dry run: count what would go, and keep the answer with the rule. Nothing is purged."""
    require(actor, Capability.ADMINISTER, rule.project)
    row = _locked(rule)
    row.tried_count, row.tried_bytes = measure(row)
    row.tried_at = clock.now()
    row.save(update_fields=["tried_at", "tried_count", "tried_bytes", "updated_at"])
    facts = {"files": row.tried_count, "size_bytes": row.tried_bytes}
    record("retention_rule.tried", actor=actor, target=row, after=facts)
    return row


@transaction.atomic
def enable_rule(*, rule: RetentionRule, actor: User) -> RetentionRule:
    """From the next night on it purges. Raises `RuleUntried` without a dry run of the rule as it is."""
    require(actor, Capability.ADMINISTER, rule.project)
    row = _locked(rule)
    if row.tried_at is None:
        raise RuleUntried(row.name)
    if row.enabled_at is None:
        row.enabled_at = clock.now()
        row.save(update_fields=["enabled_at", "updated_at"])
        record("retention_rule.enabled", actor=actor, target=row, after=_shown(row))
    return row


@transaction.atomic
def disable_rule(*, rule: RetentionRule, actor: User) -> RetentionRule:
    require(actor, Capability.ADMINISTER, rule.project)
    row = _locked(rule)
    if row.enabled_at is not None:
        row.enabled_at = None
        row.save(update_fields=["enabled_at", "updated_at"])
        record("retention_rule.disabled", actor=actor, target=row)
    return row


@transaction.atomic
def purge_batch(rule: RetentionRule) -> int:
    """Purge a bounded number of the files that an enabled rule is about; how many there were.

    The rows are locked first and then asked for again: an alias that was moved, or a job that was created just now, keeps its
    file. Each file has a row in the audit log, without an actor and with the name of the rule.
    """
    current = RetentionRule.objects.select_related("project", "store")
    enabled = current.filter(pk=rule.pk, enabled_at__isnull=False).first()
    if enabled is None:
        return 0
    ids = list(candidates(enabled).values_list("pk", flat=True)[:BATCH])
    list(Datum.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))
    going = list(candidates(enabled).filter(pk__in=ids))
    now = clock.now()
    Datum.objects.filter(pk__in=[datum.pk for datum in going]).update(purged_at=now, updated_at=now)
    for datum in going:
        datum.project = enabled.project
        facts = {"size_bytes": datum.size_bytes, "sha256": datum.sha256}
        record("datum.purged", actor=None, target=datum, before=facts, after={"rule": enabled.name})
        erase_on_commit(datum)
    drop_with(DatasetFile.objects.filter(datum__in=going))
    RetentionRule.objects.filter(pk=enabled.pk).update(
        last_run_at=now,
        purged_count=F("purged_count") + len(going),
        purged_bytes=F("purged_bytes") + sum(datum.size_bytes for datum in going),
    )
    if going:
        publish_on_commit(f"project:{enabled.project_id}", "data")
    return len(going)


def _locked(rule: RetentionRule) -> RetentionRule:
    row = RetentionRule.objects.select_for_update(no_key=True).get(pk=rule.pk)
    row.project = rule.project
    return row


def _set(rule: RetentionRule, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name not in FIELDS:
            raise RuleRefused(name, f"A rule has no '{name}'.")
        setattr(rule, name, value.strip() if isinstance(value, str) else value)
    _check_text("name", rule.name, LONGEST_NAME)
    _check_text("tag", rule.tag, MAX_TAG_LENGTH)
    _check_text("name_pattern", rule.name_pattern, LONGEST_PATTERN)
    if not rule.name:
        raise RuleRefused("name", "Give the rule a name.", "required")
    if not isinstance(rule.min_age_days, int) or not 1 <= rule.min_age_days <= MOST_DAYS:
        raise RuleRefused("min_age_days", f"Use an age of 1 to {MOST_DAYS} days.")
    _check_store(rule)


def _check_text(field: str, text: str, longest: int) -> None:
    if len(text) > longest or (text and not text.isprintable()):
        raise RuleRefused(field, f"Use at most {longest} printable characters.")


def _check_store(rule: RetentionRule) -> None:
    if rule.store is not None and not stores_for_rules(rule.project).filter(pk=rule.store.pk).exists():
        raise RuleRefused("store", "This project has no such data store.", "does_not_exist")


def _save(rule: RetentionRule) -> None:
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise RuleRefused("name", f"A rule '{rule.name}' is there already.", "unique") from None


def _matching(rule: RetentionRule) -> list[Any]:
    """What decides which files go: all but the name."""
    return [rule.store_id, rule.min_age_days, rule.tag, rule.name_pattern, rule.only_unused]


def _shown(rule: RetentionRule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "store": rule.store.name if rule.store else "",
        "min_age_days": rule.min_age_days,
        "tag": rule.tag,
        "name_pattern": rule.name_pattern,
        "only_unused": rule.only_unused,
    }
