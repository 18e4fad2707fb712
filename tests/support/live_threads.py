"""The threads that work for live viewers, for tests that connect some."""

import asyncio
import gc
from collections.abc import Iterator

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from common import threads


@pytest.fixture
def live_threads() -> Iterator[None]:
    """Threads that work for live viewers end with the test, and their database connections with them."""
    yield
    asyncio.run(sync_to_async(connections.close_all)())  # Channels looks up sessions on a thread of its own
    threads.shut_down()
    gc.collect()  # a connection of an ended thread closes when it is collected
