"""What every provider of machines does, whatever is behind it. A test class of each provider inherits these tests."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from environments.autoscaling.providers import provider_named
from environments.autoscaling.providers.base import LaunchOrder, Place, Provider, ProviderError

AGENT = {"APP_URL": "https://ml.example.com", "QUEUES": "gpu", "PEON_TOKEN": "peon-one-time-secret"}


def order_for(place: Place, machine_id: UUID | None = None, **settings: str) -> LaunchOrder:
    machine_id = machine_id or uuid4()
    return LaunchOrder(machine_id, place, {**AGENT, "PEON_MACHINE_ID": str(machine_id), **settings})


class ProviderContract:
    """Gives the fixtures `provider` and `place`, and says which templates are wrong."""

    wrong_templates: Mapping[str, Mapping[str, object]] = {}
    """A word of the fault -> a template that has it."""

    def end_behind_its_back(self, provider: Provider, place: Place, provider_id: str) -> None:
        """As somebody at the provider's own console would."""
        raise NotImplementedError

    def test_it_is_known_by_its_name(self, provider: Provider):
        made: Provider = provider_named(provider.name)
        assert made.label
        assert made.template_help
        assert made.list_seconds >= 0
        assert made.absence_seconds >= 0

    def test_a_machine_is_started_listed_and_ended(self, provider: Provider, place: Place):
        order = order_for(place)
        assert not provider.list(place)
        made = provider.launch(order)
        assert made.is_running
        assert made.provider_id
        assert made.machine_id == order.machine_id
        (listed,) = provider.list(place)
        assert (listed.machine_id, listed.provider_id) == (order.machine_id, made.provider_id)
        provider.terminate(place, order.machine_id, made.provider_id)
        assert not _running(provider, place)

    def test_asked_twice_it_starts_one(self, provider: Provider, place: Place):
        order = order_for(place)
        first = provider.launch(order)
        # The enrolment token of the second request is another one.
        again = order_for(place, order.machine_id, PEON_TOKEN="peon-another-secret")
        assert provider.launch(again).provider_id == first.provider_id
        assert len(_running(provider, place)) == 1

    def test_ending_twice_is_no_fault(self, provider: Provider, place: Place):
        order = order_for(place)
        made = provider.launch(order)
        for _ in range(2):
            provider.terminate(place, order.machine_id, made.provider_id)
        provider.terminate(place, uuid4(), "")
        assert not _running(provider, place)

    def test_a_machine_is_ended_by_its_tag_alone(self, provider: Provider, place: Place):
        """Its id was never heard: the answer was lost."""
        order, other = order_for(place), order_for(place)
        provider.launch(order)
        provider.launch(other)
        provider.terminate(place, order.machine_id, "")
        assert _running(provider, place) == [other.machine_id]

    def test_environments_do_not_see_each_others_machines(self, provider: Provider, place: Place):
        order = order_for(place)
        provider.launch(order)
        elsewhere = replace(place, environment_id=uuid4(), slug="elsewhere")
        assert not provider.list(elsewhere)
        provider.terminate(elsewhere, order.machine_id, "")
        assert _running(provider, place) == [order.machine_id]

    def test_several_at_once(self, provider: Provider, place: Place):
        orders = [order_for(place) for _ in range(4)]
        with ThreadPoolExecutor(4) as threads:
            made = list(threads.map(provider.launch, orders))
        assert len({machine.provider_id for machine in made}) == 4
        assert sorted(_running(provider, place)) == sorted(order.machine_id for order in orders)

    def test_one_that_ended_by_itself_is_told_with_a_reason(self, provider: Provider, place: Place):
        made = provider.launch(order_for(place))
        self.end_behind_its_back(provider, place, made.provider_id)
        left = [machine for machine in provider.list(place) if machine.provider_id == made.provider_id]
        assert all(not machine.is_running and machine.end_reason for machine in left)

    def test_templates_are_judged_in_words(self, provider: Provider, place: Place):
        assert not list(provider.problems(place.template))
        assert self.wrong_templates
        for word, template in self.wrong_templates.items():
            problems = list(provider.problems({**place.template, **template}))
            assert any(word in problem for problem in problems), (word, problems)
        assert any("no setting 'nonsense'" in text for text in provider.problems({"nonsense": 1}))

    def test_a_template_that_has_become_wrong_starts_nothing(self, provider: Provider, place: Place):
        wrong = next(iter(self.wrong_templates.values()))
        with pytest.raises(ProviderError):
            provider.launch(order_for(replace(place, template={**place.template, **wrong})))
        assert not _running(provider, place)


def _running(provider: Provider, place: Place) -> list[UUID | None]:
    return [machine.machine_id for machine in provider.list(place) if machine.is_running]
