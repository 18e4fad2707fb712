"""Two changes at the same moment, in real transactions: one follows the other."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection

from accounts.models import User
from common.errors import DomainError
from organizations import services
from organizations.models import Invitation, Organization, OrganizationMembership, TeamMembership
from projects.models import Project
from projects.services import create_project
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)

Role = OrganizationMembership.Role
ROUNDS = 5


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do all at the same moment, each on a connection of its own; what each was refused with."""
    together = threading.Barrier(len(acts))
    outcomes: list[Any] = [None] * len(acts)

    def run(number: int) -> None:
        try:
            together.wait()
            acts[number]()
        except (DomainError, IntegrityError) as error:
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


@pytest.fixture
def acme(db: None) -> Organization:
    alice, bob = factories.make_user("alice"), factories.make_user("bob")
    return factories.make_organization("acme", owners=(alice, bob))


def member(name: str) -> User:
    return User.objects.get(username=name)


def test_two_owners_who_demote_each_other_leave_one(acme: Organization) -> None:
    alice, bob = member("alice"), member("bob")
    for _ in range(ROUNDS):
        OrganizationMembership.objects.update(role=Role.OWNER)
        outcomes = at_once(
            lambda: services.change_role(organization=acme, actor=alice, user=bob, role=Role.MEMBER),
            lambda: services.change_role(organization=acme, actor=bob, user=alice, role=Role.MEMBER),
        )
        # The second one has lost the right by the time that it is its turn.
        assert [error.http_status for error in outcomes if error] == [403]
        assert acme.memberships.filter(role=Role.OWNER).count() == 1


def test_two_owners_who_leave_leave_one(acme: Organization) -> None:
    outcomes = at_once(
        lambda: services.leave(organization=acme, user=member("alice")),
        lambda: services.leave(organization=acme, user=member("bob")),
    )
    assert [error.code for error in outcomes if error] == ["last_owner"]
    assert acme.memberships.count() == 1


def test_nobody_is_put_into_a_team_while_they_are_removed(acme: Organization) -> None:
    alice, team = member("alice"), factories.make_team(acme)
    for _ in range(ROUNDS):
        carol = factories.make_user()
        OrganizationMembership.objects.create(organization=acme, user=carol)
        at_once(
            lambda carol=carol: services.remove_member(organization=acme, actor=alice, user=carol),
            lambda carol=carol: services.add_team_member(team=team, actor=alice, user=carol),
        )
        assert not OrganizationMembership.objects.filter(user=carol).exists()
        assert not TeamMembership.objects.filter(user=carol).exists()


def test_a_link_that_two_people_use_lets_one_in(acme: Organization) -> None:
    sent = factories.make_invitation(acme, "new@example.com")
    first, second = factories.make_user("first"), factories.make_user("second")
    outcomes = at_once(
        lambda: services.accept(invitation=sent, user=first),
        lambda: services.accept(invitation=sent, user=second),
    )
    assert [error.code for error in outcomes if error] == ["invitation_gone"]
    assert acme.memberships.count() == 3


def test_one_address_is_invited_once(acme: Organization) -> None:
    alice, bob = member("alice"), member("bob")
    outcomes = at_once(
        *(
            lambda actor=actor: services.invite(
                organization=acme, actor=actor, email="new@example.com", link=str
            )
            for actor in (alice, bob)
        )
    )
    assert [error.code for error in outcomes if error] == ["pending"]
    assert Invitation.objects.count() == 1


def test_a_name_is_given_once() -> None:
    alice, bob = factories.make_user("alice"), factories.make_user("bob")
    outcomes = at_once(
        *(
            lambda actor=actor: services.create_organization(actor=actor, name="acme")
            for actor in (alice, bob)
        )
    )
    assert [error.field for error in outcomes if error] == ["name"]
    assert Organization.objects.count() == 1


def test_a_project_is_not_lost_with_its_owner(acme: Organization) -> None:
    alice = member("alice")
    at_once(
        lambda: services.delete_organization(organization=acme, actor=alice),
        lambda: create_project(actor=alice, name="demo", owner=acme.owner),
    )
    assert Project.objects.count() == Organization.objects.count()
