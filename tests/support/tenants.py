"""Two organizations for the tests of what belongs to one: Olga owns acme, Mina works there and is in the team vision; Otto
owns rival and is a stranger to acme."""

from dataclasses import dataclass

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from environments.models import Environment
from organizations.models import Organization, Team
from tests.conftest import api_of, browser_of
from tests.support import factories


@dataclass
class Tenant:
    organization: Organization
    owner: User
    member: User
    team: Team
    environment: Environment

    @property
    def api(self) -> APIClient:
        return api_of(self.owner)

    @property
    def member_api(self) -> APIClient:
        return api_of(self.member)

    @property
    def browser(self) -> Client:
        return browser_of(self.owner)


@pytest.fixture
def acme(db: None) -> Tenant:
    owner, member = factories.make_user("olga"), factories.make_user("mina")
    organization = factories.make_organization("acme", owners=(owner,), members=(member,))
    team = factories.make_team(organization, "vision", members=(member,))
    environment = factories.make_environment("acme-gpu", name="GPU box", owner=organization.owner)
    return Tenant(organization, owner, member, team, environment)


@pytest.fixture
def rival(db: None) -> Tenant:
    owner, member = factories.make_user("otto"), factories.make_user("mia")
    organization = factories.make_organization("rival", owners=(owner,), members=(member,))
    team = factories.make_team(organization, "foreign-team", members=(member,))
    environment = factories.make_environment("rival-gpu", owner=organization.owner)
    return Tenant(organization, owner, member, team, environment)
