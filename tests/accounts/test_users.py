"""Users: made, renamed, disabled, and what the audit log says of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import services
from accounts.errors import DomainError, EmailRefused, NameRefused, NotSuperuser, PasswordRefused
from accounts.models import Owner, User
from audit.models import AuditEvent
from tests.support import factories
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.django_db

Audited = Callable[[str], list[AuditEvent]]


def create(actor: User | None = None, **fields: Any) -> User:
    values = {"username": "dora", "email": "dora@Example.com", "password": PASSWORD, "verified_email": True}
    return services.create_user(actor=actor, **{**values, **fields})


class TestCreation:
    def test_by_a_superuser(self, superuser: User, audited: Audited) -> None:
        user = create(superuser)
        assert Owner.objects.get(pk=user.pk).name == "dora"
        assert user.check_password(PASSWORD)
        assert not user.is_superuser
        email = user.email_addresses.get()
        assert (email.email, email.is_primary, email.verified_at is not None) == (
            "dora@example.com",
            True,
            True,
        )
        (event,) = audited("user.created")
        assert (event.actor_name, event.target_name) == ("root", "dora")
        assert PASSWORD not in str(event.after)

    def test_by_the_link_of_an_invitation(self, audited: Audited) -> None:
        user = create(None)
        assert audited("user.created")[0].actor_id == user.pk

    def test_an_address_that_is_not_proved_blocks_nobody(self, alice: User) -> None:
        user = create(None, email="alice@example.com", verified_email=False)
        assert user.email_addresses.get().verified_at is None

    @pytest.mark.parametrize(
        ("fields", "error", "field"),
        [
            ({"username": "api"}, NameRefused, "username"),
            ({"username": "Alice"}, NameRefused, "username"),
            ({"username": "x" * 40}, NameRefused, "username"),
            ({"email": "nonsense"}, EmailRefused, "email"),
            ({"email": "m\u0131ke@example.com"}, EmailRefused, "email"),
            ({"email": "ALICE@example.com"}, EmailRefused, "email"),
            ({"password": "short"}, PasswordRefused, "password"),
            ({"password": "dora@example.com"}, PasswordRefused, "password"),
            ({"password": "x" * 1025}, PasswordRefused, "password"),
        ],
    )
    def test_refusals_change_nothing(
        self, alice: User, fields: dict[str, Any], error: type[DomainError], field: str
    ) -> None:
        with pytest.raises(error) as refused:
            create(None, **fields)
        assert refused.value.field == field
        assert User.objects.count() == Owner.objects.count() == 1
        assert not AuditEvent.objects.exists()

    def test_only_superusers_make_users(self, alice: User) -> None:
        with pytest.raises(NotSuperuser):
            create(alice)
        assert not User.objects.filter(username="dora").exists()


class TestProfile:
    def test_the_name_changes_and_leaves_a_row(
        self, alice: User, alice_browser: Client, audited: Audited
    ) -> None:
        acme = factories.make_organization("acme", owners=(alice,))
        answer = alice_browser.post("/auth/profile/", {"first_name": " Alice ", "last_name": "Liddell"})
        assert answer.status_code == 302
        alice.refresh_from_db()
        assert alice.display_name == "Alice Liddell"
        (event,) = audited("user.changed")
        assert event.before == {"first_name": "", "last_name": ""}
        assert event.after == {"first_name": "Alice", "last_name": "Liddell"}
        assert set(event.owner_ids) == {alice.pk, acme.pk}

    def test_saving_the_same_leaves_none(self, alice_browser: Client, audited: Audited) -> None:
        alice_browser.post("/auth/profile/", {"first_name": "", "last_name": ""})
        assert not audited("user.changed")

    def test_a_second_factor_that_an_organization_requires_is_asked_for(
        self, alice: User, alice_browser: Client
    ) -> None:
        acme = factories.make_organization("acme", members=(alice,))
        assert "two-factor authentication" not in alice_browser.get("/auth/emails/").content.decode()
        type(acme).objects.update(require_2fa=True)
        text = alice_browser.get("/auth/emails/").content.decode()
        assert "<strong>acme</strong> lets in only members with two-factor authentication" in text
        assert 'href="/auth/security/two-factor/"' in text


class TestDisabling:
    def test_leaves_rows(self, superuser: User, alice: User, audited: Audited) -> None:
        services.disable_user(user=alice, actor=superuser)
        services.enable_user(user=alice, actor=superuser)
        assert [event.actor_name for event in audited("user.disabled") + audited("user.enabled")] == [
            "root",
            "root",
        ]

    def test_is_for_superusers(self, alice: User, charlie: User) -> None:
        with pytest.raises(NotSuperuser):
            services.disable_user(user=alice, actor=charlie)
        alice.refresh_from_db()
        assert alice.is_active


class TestChangesBySuperusers:
    def test_an_address_replaces_the_primary_one_and_can_be_used(
        self, superuser: User, alice: User, audited: Audited
    ) -> None:
        alice.email = "new@example.com"
        services.save_changed_user(user=alice, actor=superuser)
        email = alice.email_addresses.get()
        assert (email.email, email.is_primary) == ("new@example.com", True)
        assert email.verified_at
        assert audited("user.changed")[0].before == {"email": "alice@example.com"}

    def test_an_address_of_somebody_else_is_refused(self, superuser: User, alice: User, bob: User) -> None:
        alice.email = "BOB@example.com"
        with pytest.raises(EmailRefused):
            services.save_changed_user(user=alice, actor=superuser)
        alice.refresh_from_db()
        assert alice.email == alice.email_addresses.get().email == "alice@example.com"
