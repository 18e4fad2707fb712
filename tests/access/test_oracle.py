"""Access in small made-up worlds is what the oracle says, for everybody and everything in them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import pytest
from django.db.models import Model
from hypothesis import HealthCheck, Phase, given, settings

from accounts.models import User
from datastores.models import Datum, DatumAlias
from datastores.selectors import aliases_for, datums_for, readable_by, stores_for
from environments.access import administers
from environments.selectors import (
    administered_environments,
    environments_for,
    environments_for_project,
    known_environments,
    registries_for,
)
from executions.models import Execution
from executions.selectors import executions_for
from organizations.access import (
    Capability,
    Forbidden,
    capabilities_among,
    capabilities_in,
    may,
    require,
)
from organizations.selectors import organizations_for, teams_for
from projects.across import AcrossProjects
from projects.models import Commit
from projects.selectors import commits_for, projects_for, read_only_among
from tests.access import oracle
from tests.access.conftest import rolled_back
from tests.access.oracle import ADMINISTER, RUN, VIEW, Company, Facts, Person
from tests.access.small_worlds import Rows, rows_of, worlds

pytestmark = pytest.mark.django_db

Thing = TypeVar("Thing")
INSIDE: dict[type[Model], Callable[[User], Iterable[Any]]] = {
    Commit: commits_for,
    Execution: executions_for,
    Datum: datums_for,
    DatumAlias: aliases_for,
}


def compared(examples: int) -> Callable[[Any], Any]:
    """The same worlds each time, so that a failure is there for everybody. They are small already: to look for a smaller one
    that fails, too, would take minutes."""
    fixed = settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: given(worlds())(fixed(test))


def those(things: Mapping[Thing, Any], rows: Iterable[Any]) -> set[Thing]:
    """What the rows stand for; each of them once."""
    found = [row.pk for row in rows]
    assert len(found) == len(set(found)), "a row came twice"
    by_id = {row.pk: thing for thing, row in things.items()}
    return {by_id[pk] for pk in found if pk in by_id}


def of_names(things: Collection[Any]) -> list[str]:
    return sorted(thing.name for thing in things)


@compared(15)
def test_what_everybody_may_do_in_projects(facts: Facts) -> None:
    with rolled_back():
        rows = rows_of(facts)
        for person, user in rows.users.items():
            right = {work: oracle.rights(person, work) for work in facts.works}
            for work, project in rows.projects.items():
                allowed = {capability for capability in Capability if may(user, capability, project)}
                assert allowed == right[work], f"{person} in {work}"
                for capability in [c for c in Capability if c not in right[work]][:1]:
                    with pytest.raises(Forbidden):
                        require(user, capability, project)
            among = capabilities_among(user, rows.projects.values())
            assert {work: among[project.pk] for work, project in rows.projects.items()} == right, person


@compared(15)
def test_what_everybody_sees_of_projects(facts: Facts) -> None:
    with rolled_back():
        rows = rows_of(facts)
        for person in facts.people:
            _compare_projects(facts, rows, person)


def _compare_projects(facts: Facts, rows: Rows, person: Person) -> None:
    user = rows.users[person]
    right = {work: oracle.rights(person, work) for work in facts.works}
    visible = {work for work in facts.works if VIEW in right[work]}
    assert those(rows.projects, projects_for(user)) == visible, f"projects of {person}"
    for model, selector in INSIDE.items():
        known = rows.inside[model]
        seen = {known[row.pk] for row in selector(user) if row.pk in known}
        assert seen == visible, f"{model.__name__} of {person}"
    page = AcrossProjects(user, Execution.objects.all())[:100]
    assert {rows.inside[Execution][row.pk] for row in page} == visible
    shown = [rows.projects[work] for work in visible]
    looking = {rows.projects[work].pk for work in visible if RUN not in right[work]}
    assert read_only_among(user, shown) == looking


@compared(10)
def test_what_everybody_may_do_and_see_of_organizations(facts: Facts) -> None:
    with rolled_back():
        rows = rows_of(facts)
        for person in facts.people:
            user = rows.users[person]
            inside = {c: oracle.rights_in(person, c) for c in facts.companies}
            for company, organization in rows.organizations.items():
                assert capabilities_in(user, organization) == inside[company]
                assert administers(user, organization.owner) == (ADMINISTER in inside[company])
            seen = {company for company in facts.companies if inside[company]}
            assert those(rows.organizations, organizations_for(user)) == seen
            assert those(rows.registries, registries_for(user)) == seen
            assert those(rows.teams, teams_for(user)) == {
                crew for crew in facts.crews if crew.company in seen
            }


@compared(20)
def test_which_stores_everybody_sees_and_every_project_reads(facts: Facts) -> None:
    with rolled_back():
        rows = rows_of(facts)
        for person, user in rows.users.items():
            seen = {store for store in facts.stores if oracle.sees_store(person, store)}
            found = those(rows.stores, stores_for(user))
            assert of_names(found) == of_names(seen), f"stores of {person}"
        for work, project in rows.projects.items():
            read = {store for store in facts.stores if oracle.reads_store(work, store)}
            assert of_names(those(rows.stores, readable_by(project))) == of_names(read), work


@compared(20)
def test_which_environments_everybody_runs_on(facts: Facts) -> None:
    with rolled_back():
        rows = rows_of(facts)
        for person, user in rows.users.items():
            listed = those(rows.environments, environments_for(user))
            known = those(rows.environments, known_environments(user))
            led_to = {m for m in facts.machines if oracle.may_ever_run_on(person, m, facts.works)}
            assert listed <= known <= led_to, f"environments of {person}"
            managed = {
                m
                for m in facts.machines
                if (isinstance(m.owner, Company) and ADMINISTER in oracle.rights_in(person, m.owner))
                or (person.superuser and person.active)
            }
            assert those(rows.environments, administered_environments(user)) == managed
            for work, project in rows.projects.items():
                if person.superuser or RUN not in oracle.rights(person, work):
                    continue
                usable = {m for m in facts.machines if oracle.runs_on(person, work, m)}
                choice = those(rows.environments, environments_for_project(user, project).usable)
                assert of_names(choice) == of_names(usable), f"{person} in {work}"
                assert usable <= listed, f"{person} in {work}"
