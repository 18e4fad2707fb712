"""Settings from the environment, and their documentation."""

import re
from pathlib import Path

import pytest

from tests.support.live import CHECKOUT
from valohai_app import env
from valohai_app.settings import celery_broker, database_from_url, platform_storage


def test_every_variable_is_documented_and_no_other() -> None:
    sources = [*(CHECKOUT / "valohai_app").glob("*.py")]
    read = r'(?:env\.(?:text|boolean|integer|items|hosts)|os\.environ\.get)\(\s*"([A-Z0-9_]+)"'
    known = {name for source in sources for name in re.findall(read, source.read_text())}
    page = (CHECKOUT / "docs" / "operations" / "settings.md").read_text()
    first_cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    documented = {name for cell in first_cells for name in re.findall(r"`([A-Z0-9_]+)`", cell)}
    assert documented == known


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("redis://host:6379/3", "redis://host:6379/3"),
        ("unix:///tmp/a%20b/redis.sock?db=2", "redis+socket:///tmp/a%20b/redis.sock?virtual_host=2"),
        ("unix:///tmp/redis.sock", "redis+socket:///tmp/redis.sock?virtual_host=0"),
    ],
)
def test_celery_gets_its_own_spelling_of_a_socket(url: str, broker: str) -> None:
    assert celery_broker(url) == broker


def test_database_address_with_options() -> None:
    parsed = database_from_url("psql://me:p%40ss@db:5433/name?sslmode=require")
    assert (parsed["USER"], parsed["PASSWORD"], parsed["HOST"], parsed["PORT"]) == (
        "me",
        "p@ss",
        "db",
        "5433",
    )
    assert parsed["OPTIONS"] == {"sslmode": "require"}
    assert database_from_url("postgres://me@/name?host=/run/pg")["HOST"] == "/run/pg"


def test_other_databases_are_refused_with_the_remedy() -> None:
    with pytest.raises(env.SettingInvalid, match="script/server"):
        database_from_url("sqlite:///db.sqlite3")


def test_unknown_storage_is_refused() -> None:
    with pytest.raises(env.SettingInvalid, match="filesystem, s3, gcs or azure"):
        platform_storage("ftp")


def test_value_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "key"))
    assert env.text("SOME_KEY") == "from the file"
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(env.SettingInvalid, match="SOME_KEY_FILE"):
        env.text("SOME_KEY")


@pytest.mark.parametrize(("read", "remedy"), [(env.boolean, "true or false"), (env.integer, "whole number")])
def test_wrong_value_is_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, read: object, remedy: str
) -> None:
    monkeypatch.setenv("SOME_SETTING", "perhaps")
    with pytest.raises(env.SettingInvalid, match=f"SOME_SETTING is 'perhaps'.*{remedy}"):
        read("SOME_SETTING", 0)  # type: ignore[operator]
