"""A stored file, and somebody who may only look."""

import uuid
from typing import Any

import pytest

from common import clock
from datastores.models import Datum
from tests.datastores.data_api import NOBODY
from tests.support import factories


@pytest.fixture
def datum(project: Any) -> Datum:
    return factories.make_datum(
        project, b"a,b\n1,2\n", name="tables/data.csv", tags=["fresh"], properties={"kind": "table"},
        output_execution_id=uuid.UUID(NOBODY), output_execution_counter=7, file_modified_at=clock.now(),
    )  # fmt: skip


@pytest.fixture
def viewer_api(project: Any) -> Any:
    from tests.conftest import api_of

    viewer = factories.make_user("viewer")
    factories.make_collaborator(project, viewer, is_read_only=True)
    return api_of(viewer)
