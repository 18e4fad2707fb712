"""Notebooks as a preview shows them: cells of text and pictures. Nothing of a notebook runs, and nothing of it becomes markup but
what Markdown makes."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any

from common import markdown

MOST_CELLS = 300
MOST_TEXT = 256 * 1024
MOST_IMAGES = 20
MOST_IMAGE_CHARACTERS = 2 * 1024 * 1024
_IMAGES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
}
"""Pictures that cannot carry scripts, and how they begin. SVG is missing on purpose."""


class Notebook:
    """`cells` are `{"kind": "markdown" | "code" | "raw", "source", "outputs"}`, those of Markdown with their `html`; an output is `{"kind": "text" | "error",
    "text"}`, `{"kind": "image", "url"}` with the picture in a `data:` address, or `{"kind": "hidden", "text"}` for what is not shown.
    """

    def __init__(self) -> None:
        self.cells: list[dict[str, Any]] = []
        self.truncated = False
        self._text_left = MOST_TEXT
        self._images_left = MOST_IMAGES
        self._markdown_left = markdown.MOST_CHARACTERS

    @classmethod
    def parsed(cls, text: str) -> "Notebook | None":
        """None when the text is no notebook."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return None
        cells = document.get("cells") if isinstance(document, dict) else None
        if not isinstance(cells, list):
            return None
        notebook = cls()
        for cell in cells[:MOST_CELLS]:
            if isinstance(cell, dict) and notebook._text_left > 0:
                notebook.cells.append(notebook._cell(cell))
        notebook.truncated = notebook.truncated or len(notebook.cells) < len(cells)
        return notebook

    def _cell(self, cell: Mapping[str, Any]) -> dict[str, Any]:
        kind = cell.get("cell_type")
        source = self._taken(_text(cell.get("source")))
        outputs = cell.get("outputs") if kind == "code" else []
        return {
            "kind": kind if kind in ("markdown", "code") else "raw",
            "source": source,
            **(self._markup(source) if kind == "markdown" else {}),
            "outputs": [
                shown
                for output in (outputs if isinstance(outputs, list) else [])
                if isinstance(output, dict)
                for shown in self._output(output)
            ],
        }

    def _markup(self, source: str) -> dict[str, str]:
        """Nothing when there is more than is rendered: the text itself is shown then."""
        self._markdown_left -= len(source)
        html = markdown.rendered(source) if self._markdown_left >= 0 else None
        return {} if html is None else {"html": html}

    def _output(self, output: Mapping[str, Any]) -> Iterator[dict[str, str]]:
        kind, data = output.get("output_type"), output.get("data")
        if kind == "stream":
            yield {"kind": "text", "text": self._taken(_text(output.get("text")))}
        elif kind == "error":
            trace = _text(output.get("traceback"), "\n") or f"{output.get('ename')}: {output.get('evalue')}"
            yield {"kind": "error", "text": self._taken(trace)}
        elif isinstance(data, dict):
            yield self._shown(data)

    def _shown(self, data: Mapping[str, Any]) -> dict[str, str]:
        """The first picture that is safe, else the text that stands for the output."""
        for kind, beginning in _IMAGES.items():
            url = self._image(kind, beginning, data.get(kind))
            if url:
                return {"kind": "image", "url": url}
        if "text/plain" in data:
            return {"kind": "text", "text": self._taken(_text(data["text/plain"]))}
        kinds = ", ".join(sorted(str(kind)[:40] for kind in data)[:3])
        return {"kind": "hidden", "text": f"An output of type {kinds} is not shown." if kinds else ""}

    def _image(self, kind: str, beginning: bytes, given: Any) -> str:
        content = "".join(_text(given).split())
        if not content or len(content) > MOST_IMAGE_CHARACTERS or self._images_left <= 0:
            self.truncated = self.truncated or bool(content)
            return ""
        try:
            decoded = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            return ""
        if not decoded.startswith(beginning):
            return ""
        self._images_left -= 1
        return f"data:{kind};base64,{content}"

    def _taken(self, text: str) -> str:
        taken = text[: max(0, self._text_left)]
        self._text_left -= len(text)
        self.truncated = self.truncated or len(taken) < len(text)
        return taken


def _text(value: Any, between: str = "") -> str:
    """A text of a notebook: one, or a list of lines. JSON may hold half characters, which no answer can carry."""
    if isinstance(value, list):
        value = between.join(line for line in value if isinstance(line, str))
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
