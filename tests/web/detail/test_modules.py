"""The preload list follows the imports of a page's entry module."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from common.templatetags.modules import modules_of
from executions.models import Execution
from tests.web.detail.conftest import address


@pytest.mark.parametrize("entry", ["execution-detail", "project-data", "project-aliases", "file", "trace"])
def test_every_import_names_a_file(entry: str) -> None:
    names = modules_of(f"js/pages/{entry}.js")
    assert "js/lib/api.js" in names
    assert [name for name in names if finders.find(name) is None] == []
    assert len(set(names)) == len(names)


def test_no_import_is_overlooked() -> None:
    """Whatever way an import is written, its file is in the list."""
    entry = "js/pages/execution-detail.js"
    listed = {Path(name).name for name in modules_of(entry)}
    for name in (entry, *modules_of(entry)):
        path = finders.find(name)
        assert path
        if "vendor" not in name:
            assert set(re.findall(r'from "[^"]*/([\w.-]+\.js)"', Path(path).read_text())) <= listed


def test_the_page_preloads_them(alice_browser: Client, run: Execution) -> None:
    text = alice_browser.get(address(run)).content.decode()
    assert '<link rel="modulepreload" href="/static/js/log/log-view.js">' in text
