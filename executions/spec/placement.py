"""Where it runs and where its outputs go: environment, priority, image, upload store."""

from uuid import UUID

from valohai_yaml.objs.step import Step

from accounts.models import User
from common.storable import unstorable
from datastores.selectors import find_upload_store
from environments.models import Environment
from environments.selectors import default_environment, environments_for_project, resolve_environment
from executions.spec.faults import Faults
from projects.models import Project

HIGHEST_PRIORITY = 1000
_LONGEST_IMAGE = 512


def choose_environment(*, given: str | None, step: Step, project: Project, actor: User) -> Environment:
    """What was given, else the step's, else the project's, else the installation's.

    Raises `EnvironmentNotFound` (field "environment", code "does_not_exist"), or `EnvironmentNotAvailable` (code
    "not_available") with the reason.
    """
    if given:
        return resolve_environment(actor, given, project)
    if step.environment:
        return _named_by_step(step.environment, project, actor)
    return default_environment(actor, project)


def _named_by_step(name: str, project: Project, actor: User) -> Environment:
    """A step names a slug, an id or, when only one environment contains it, a part of a slug or name."""
    choice = environments_for_project(actor, project)
    exact = choice.named(name)
    if exact:
        return exact
    part = name.lower()
    partly = [found for found in choice.usable if part in found.slug.lower() or part in found.name.lower()]
    if len(partly) == 1:
        return partly[0]
    return resolve_environment(actor, name, project)


def check_priority(priority: int, environment: Environment, faults: Faults) -> int:
    if not 0 <= priority <= HIGHEST_PRIORITY:
        faults.add("priority", f"Use a priority of 0 (normal) to {HIGHEST_PRIORITY}.")
    elif priority and not environment.supports_priority:
        faults.add(
            "priority",
            f"Environment '{environment.slug}' does not support priorities. Leave the priority out.",
        )
    return priority


def choose_image(*, given: str | None, step: Step, environment: Environment, faults: Faults) -> str:
    image = (given or "").strip() or step.image or environment.default_image
    why = unstorable(image)
    if why:
        faults.add("image", f"The image {why}.")
    elif not image or len(image) > _LONGEST_IMAGE or any(c.isspace() for c in image):
        faults.add("image", f"Name an image of 1 to {_LONGEST_IMAGE} characters without spaces.")
    return image


def choose_upload_store(*, step: Step, project: Project, faults: Faults) -> UUID | None:
    """The store the step asks for; None: the project's own choice, looked up when the outputs come."""
    if not step.upload_store:
        return None
    name = step.upload_store
    store = find_upload_store(project, name)
    if store is None:
        faults.add(
            "upload_store",
            f"Step '{step.name}' uploads to the store '{name}', which this project cannot write to.",
            "does_not_exist",
        )
        return None
    return store.pk
