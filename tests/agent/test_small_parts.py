"""Settings, YAML, input names, resource figures."""

import io
import json
import math
import tarfile

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from peon import config
from peon.config_files import inputs_config, write_config
from peon.errors import JobFailed
from peon.http_client import shown_url
from peon.input_files import InputFiles
from peon.repository import unpack
from peon.runtimes.base import Controls
from peon.stats import StatsReporter
from peon.yaml_text import to_yaml

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_yaml_reads_back_as_the_same_value(value):
    assert yaml.safe_load(to_yaml(value)) == value


def test_yaml_of_numbers_that_json_does_not_have():
    read = yaml.safe_load(to_yaml({"a": float("inf"), "b": float("nan"), "c": 1e-05}))
    assert read["a"] == math.inf
    assert math.isnan(read["b"])
    assert read["c"] == 1e-05


def test_settings_name_what_is_missing():
    with pytest.raises(config.ConfigurationError, match="REDIS_URL"):
        config.load({"APP_URL": "http://x"}, "/nonexistent")


def test_environment_wins_over_the_file(tmp_path):
    path = tmp_path / "peon.config"
    path.write_text(
        "# comment\nREDIS_URL='redis://file/0'\nAPP_URL=http://file\nQUEUES=a, b\nCACHE_SIZE=1.5G\n"
    )
    settings = config.load({"APP_URL": "http://environment/"}, str(path))
    assert settings.redis_url == "redis://file/0"
    assert settings.app_url == "http://environment"
    assert settings.queues == ["a", "b"]
    assert settings.cache_bytes == 3 << 29


@pytest.mark.parametrize("changes", [{"RUNTIME": "magic"}, {"CACHE_SIZE": "much"}, {"QUEUES": " , "}])
def test_wrong_settings_are_refused(changes):
    with pytest.raises(config.ConfigurationError, match=next(iter(changes))):
        config.load({"APP_URL": "http://x", "REDIS_URL": "redis://x", **changes}, "/nonexistent")


def test_shown_addresses_hold_no_secrets():
    assert shown_url("https://user:pass@host:8443/a/b?sig=secret#x") == "https://host:8443/a/b"


def entry(*names, **changes):
    files = [{"filename": name, "uri": f"datum://{number}"} for number, name in enumerate(names)]
    return {"name": "data", "files": files, "download": "always", "optional": False, **changes}


def test_two_files_of_one_name_are_both_named():
    with pytest.raises(JobFailed, match=r"datum://0 and datum://1 would both be the file 'a.csv'"):
        InputFiles({"inputs": [entry("a.csv", "a.csv")]}, None, None, None, None)


def test_room_is_made_for_the_files_of_each_page():
    """Not for the first ones only: those of later pages are not known before."""
    pages = {0: ("b", 1), 1: ("c", None)}

    class Api:
        def input_files(self, after, one_by_one):
            name, following = pages[after]
            file = {"input": "data", "filename": name, "uri": name}
            return {"files": [file], "left_out": [], "next": following}

    room = []
    files = InputFiles({"inputs": [entry("a")], "next_files": 0}, Api(), None, room.append, None)
    taken = [file["filename"] for [(_, file)] in iter(files.take, None)]
    assert taken == ["a", "b", "c"]
    assert [[file["filename"] for file in made] for made in room] == [["a"], ["a", "b"], ["a", "b", "c"]]


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "", "."])
def test_input_names_stay_inside(name):
    with pytest.raises(JobFailed, match="not a usable file name"):
        InputFiles({"inputs": [entry(name)]}, None, None, None, None)


def test_inputs_json_of_an_empty_input_has_no_id():
    assert inputs_config([entry(input_id="x", optional=True)], {}, "/valohai/inputs") == {
        "data": {"files": []}
    }


def test_inputs_json_of_an_on_demand_input():
    described = inputs_config([entry("a.csv", input_id="x", download="on-demand")], {}, "/valohai/inputs")[
        "data"
    ]
    (file,) = described["files"]
    assert described["input_id"] == file["input_id"] == "x"
    assert file["download_intent"] == "on-demand"
    assert file["path"] == "/valohai/inputs/data/a.csv"
    assert file["metadata"] == []


@pytest.mark.parametrize(
    ("member", "why"),
    [
        ({"name": "../x"}, "outside"),
        ({"name": "/etc/x"}, "outside"),
        ({"name": "a", "type": tarfile.SYMTYPE, "linkname": "../../x"}, "link out"),
        ({"name": "a", "type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "link out"),
        ({"name": "a", "type": tarfile.LNKTYPE, "linkname": "b"}, "no file"),
        ({"name": "a", "type": tarfile.CHRTYPE}, "no file"),
    ],
)
def test_hostile_archives_are_refused(tmp_path, member, why):
    info = tarfile.TarInfo(member["name"])
    info.type = member.get("type", tarfile.REGTYPE)
    info.linkname = member.get("linkname", "")
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(info, io.BytesIO())
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(JobFailed, match=why):
        unpack(str(archive), str(target))
    assert list(target.iterdir()) == []


def test_cpu_limit_forms():
    assert Controls({"VH_CPU_LIMIT": "0,2,4"}).cpu_set() == [0, 2, 4]
    assert Controls({"VH_CPU_LIMIT": "2"}).cpu_count() == 2
    assert Controls({"VH_MEMORY_LIMIT": "1.5G"}).memory_bytes() == 3 << 29
    assert Controls({}).memory_bytes() is None
    for absurd in ("-1G", "lots", "1", "0", "G", "nan", "1e999G"):
        with pytest.raises(JobFailed, match="VH_MEMORY_LIMIT is '"):
            Controls({"VH_MEMORY_LIMIT": absurd}).memory_bytes()
    assert Controls({}).cpu_count() is None
    with pytest.raises(JobFailed, match="VH_CPU_LIMIT is 'many'"):
        Controls({"VH_CPU_LIMIT": "many"}).cpu_count()


class FakeRunning:
    def __init__(self):
        self.seconds = 0.0

    def usage(self):
        return {"cpu_seconds": self.seconds, "memory_kb": 1000}


class FakeSpool:
    def __init__(self):
        self.facts = []

    def add_fact(self, fact):
        self.facts.append(fact)


def test_cpu_use_is_in_cores():
    now, running, spool = [100.0], FakeRunning(), FakeSpool()
    stats = StatsReporter(running, spool, clock=lambda: now[0])
    stats.report()
    assert spool.facts == []
    now[0], running.seconds = 102.0, 1.0
    stats.report()
    values = spool.facts[0]["values"]
    assert values["cpu_usage"] == pytest.approx(0.5, abs=1e-3)
    assert values["memory_usage_kb"] == 1000
    json.dumps(values)


@pytest.mark.parametrize(
    ("count", "name", "metadata", "lines"),
    [(1000, "a", [], None), (1001, "a", [], 1), (1001, "ä\x7f", [], None), (1001, "a", [{"x": 1e-05}], None)],
)
def test_a_long_list_of_inputs_is_the_same_in_both_files(tmp_path, count, name, metadata, lines):
    files = [{"name": f"{name}-{number}", "metadata": metadata} for number in range(count)]
    inputs = {"data": {"files": files}}
    details = {"config": {"execution": {}, "parameters": {}, "runtime": {}, "api": {}}}
    write_config(str(tmp_path), details, inputs, {})
    text = (tmp_path / "inputs.yaml").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "inputs.json").read_text()) == yaml.safe_load(text) == inputs
    assert lines is None or len(text.splitlines()) == lines
