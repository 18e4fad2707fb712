"""Markdown of whoever: what is rendered, and that none of it runs, loads or leads astray."""

import json
import re
from typing import Any

import pytest

from common.markdown import MOST_CHARACTERS, rendered
from datastores.notebooks import Notebook
from tests.datastores.data_api import DATA
from tests.support import factories


def test_what_people_write() -> None:
    text = (
        "# Title\n\nSome *words* and `code`, [a link](https://example.com/x).\n\n- one\n- two\n\n"
        "|a|b|\n|-|-|\n|1|~~2~~|\n"
    )
    html = rendered(text)
    assert html is not None
    for piece in ("<h1>Title</h1>", "<em>words</em>", "<code>code</code>", "<li>one</li>", "<s>2</s>"):
        assert piece in html
    assert '<a href="https://example.com/x" target="_blank" rel="noopener noreferrer nofollow">' in html


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><a xlink:href=javascript:alert(1)>x</a></svg>",
    "<iframe src=//evil.example></iframe>",
    "<form action=/auth/logout/><button>x</button></form>",
    "<style>body{display:none}</style><link rel=stylesheet href=//evil.example>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#x0A;script:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](vbscript:msgbox)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![pixel](https://evil.example/pixel.png)",
    '![x](https://evil.example/x.png "onerror=alert(1)")',
    "![](http://evil.example/x.png)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    '[x](https://a.example "\\" onmouseover=alert(1) x=\\"")',
    '[x](https://a.example" onmouseover=alert(1))',
    "[x](/auth/logout/)",
    "[x](//evil.example/)",
    "[x](\\\\evil.example)",
    '```"><script>alert(1)</script>\nx\n```',
    "`<script>alert(1)</script>`",
    "<!-- --><script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
    '<div id="preview" class="dialog" style="position:fixed">x</div>',
    "\0<script>\0alert(1)</script>",
]
_ALLOWED = re.compile(
    r"</?(?:blockquote|br|code|del|em|h[1-6]|hr|li|ol|p|pre|s|strong|table|tbody|td|th|thead|tr|ul)>"
    r'|<a(?: (?:href="(?:https?|mailto):[^"<>]*"|title="[^"<>]*"|target="_blank"|rel="noopener noreferrer nofollow"))*>|</a>'
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    html = rendered(text)
    assert html is not None
    assert "<" not in _ALLOWED.sub("", html), html


@pytest.mark.parametrize("text", ["![a cat](https://evil.example/cat.png)", "![<b>](x)"])
def test_pictures_are_described_not_loaded(text: str) -> None:
    html = rendered(text) or ""
    assert "<em>[picture: " in html
    assert "evil.example" not in html


def test_long_texts_are_not_rendered() -> None:
    assert rendered("a" * MOST_CHARACTERS) is not None
    assert rendered("a" * (MOST_CHARACTERS + 1)) is None


def notebook(*sources: str) -> str:
    return json.dumps({"cells": [{"cell_type": "markdown", "source": source} for source in sources]})


def test_cells_of_a_notebook_are_rendered_as_long_as_there_is_room() -> None:
    found = Notebook.parsed(notebook("# A <b>", "x" * (MOST_CHARACTERS - 20), "# B", "# C" * 20, "# D"))
    assert found is not None
    assert found.cells[0]["html"].strip() == "<h1>A &lt;b&gt;</h1>"
    assert found.cells[0]["source"] == "# A <b>"
    assert ["html" in cell for cell in found.cells] == [True, True, True, False, False]


def test_only_markdown_cells_become_markup() -> None:
    cells = [{"cell_type": kind, "source": "# A"} for kind in ("code", "raw", "strange")]
    found = Notebook.parsed(json.dumps({"cells": cells}))
    assert found is not None
    assert not any("html" in cell for cell in found.cells)


@pytest.mark.django_db
class TestPreview:
    def shown(self, api: Any, project: Any, name: str, content: bytes) -> Any:
        datum = factories.make_datum(project, content, name=name)
        return api.get(f"{DATA}{datum.pk}/preview/").json()

    @pytest.mark.parametrize("name", ["README.md", "notes.MARKDOWN"])
    def test_of_a_file(self, api: Any, project: Any, name: str) -> None:
        shown = self.shown(api, project, name, b"# Hello\n\n<script>alert(1)</script>")
        assert (shown["kind"], shown["text"][:7]) == ("markdown", "# Hello")
        assert shown["html"].startswith("<h1>Hello</h1>")
        assert "<script" not in shown["html"]

    def test_of_a_file_that_is_too_long_or_no_text(self, api: Any, project: Any) -> None:
        assert self.shown(api, project, "a.md", b"a " * MOST_CHARACTERS)["kind"] == "text"
        assert self.shown(api, project, "b.md", b"\0\1\2")["kind"] == "none"
