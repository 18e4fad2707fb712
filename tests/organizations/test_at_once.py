"""Two changes at the same moment, in real transactions: one follows the other."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from common.errors import DomainError
from organizations import services
from organizations.models import Invitation, Organization, OrganizationMembership, TeamMembership
from projects.models import Project, ProjectCollaborator, ProjectInvitation
from projects.services import accept_invitation, add_collaborator, create_project
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


def after_the_removal_has_begun(change: Callable[[], Any], acme: Organization, leaver: User) -> list[Any]:
    """Do `change` while the removal of `leaver` is under way, or wait until it has ended; what it was refused with."""
    begun, refused = threading.Event(), []

    def run() -> None:
        begun.wait(30)
        try:
            change()
        except DomainError as error:
            refused.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    with transaction.atomic():
        services.remove_member(organization=acme, actor=member("alice"), user=leaver)
        begun.set()
        thread.join(1)
    thread.join(30)
    return refused


def test_nobody_is_added_to_a_project_while_they_are_removed(acme: Organization) -> None:
    carol, project = factories.make_user("carol"), factories.make_project(acme)
    OrganizationMembership.objects.create(organization=acme, user=carol, role=Role.VIEWER)
    refused = after_the_removal_has_begun(
        lambda: add_collaborator(project=project, actor=member("alice"), user=carol), acme, carol
    )
    assert [error.code for error in refused] == ["not_a_member"]
    assert not ProjectCollaborator.objects.exists()


def test_no_link_lets_somebody_in_while_they_are_removed(acme: Organization) -> None:
    carol, project = factories.make_user("carol"), factories.make_project(acme)
    OrganizationMembership.objects.create(organization=acme, user=carol, role=Role.VIEWER)
    factories.make_verified_email(carol, "carol@example.com")
    sent = factories.make_project_invitation(project, "carol@example.com")
    refused = after_the_removal_has_begun(lambda: accept_invitation(invitation=sent, user=carol), acme, carol)
    assert [error.code for error in refused] == ["invitation_gone"]
    assert not ProjectCollaborator.objects.exists()
    (row,) = ProjectInvitation.objects.all()
    assert row.cancelled_at
    assert row.accepted_at is None


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
