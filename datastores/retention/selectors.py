"""Reads of retention: rules are for administrators of their project."""

from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from datastores.models import DataStore, Datum, RetentionRule
from datastores.retention.errors import RuleNotFound
from datastores.retention.matching import candidates
from datastores.selectors import readable_by
from organizations.access import Capability, require, visible_to
from projects.models import Project


def rules_of(user: User, project: Project) -> QuerySet[RetentionRule]:
    require(user, Capability.ADMINISTER, project)
    return RetentionRule.objects.filter(project=project).select_related("store").order_by("name")


def get_rule(user: User, rule_id: UUID) -> RetentionRule:
    """Raises `RuleNotFound` for what is in a project that the user cannot see, `Forbidden` without the right."""
    rules = RetentionRule.objects.filter(visible_to(user, via="project"), pk=rule_id)
    rule = rules.select_related("project__owner", "store").first()
    if rule is None:
        raise RuleNotFound
    require(user, Capability.ADMINISTER, rule.project)
    return rule


def doomed(rule: RetentionRule) -> QuerySet[Datum]:
    """What the rule would purge now, oldest first."""
    return candidates(rule).select_related("store", "project__owner")


def stores_for_rules(project: Project) -> QuerySet[DataStore]:
    """Those that the project may use, and those in which it has files."""
    has_files = Exists(Datum.objects.filter(project=project, store=OuterRef("pk")))
    usable = readable_by(project).values("pk")
    return DataStore.objects.filter(Q(pk__in=usable) | has_files).order_by("-is_default", "name")
