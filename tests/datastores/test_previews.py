"""What a page may show of a file: never markup that runs."""

import base64
import gzip
import json
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from common import clock
from datastores.models import Datum
from tests.datastores.data_api import DATA
from tests.support import factories

pytestmark = pytest.mark.django_db


class TestPreview:
    def shown(self, api: Any, project: Any, name: str, content: bytes) -> Any:
        datum = factories.make_datum(project, content, name=name)
        answer = api.get(f"{DATA}{datum.pk}/preview/")
        assert answer.status_code == 200
        return answer.json()

    def test_image_is_an_address_with_a_fixed_type(self, api: Any, project: Any) -> None:
        shown = self.shown(api, project, "plot.jpg", b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
        answer = Client().get(shown["url"].removeprefix("http://testserver"))
        assert answer["Content-Type"] == "image/png"
        assert answer["Content-Disposition"].startswith("inline")
        assert "sandbox" in answer["Content-Security-Policy"]

    @pytest.mark.parametrize("name", ["evil.svg", "evil.html", "evil.png", "evil.xml"])
    def test_markup_is_text_whatever_its_name(self, api: Any, project: Any, name: str) -> None:
        shown = self.shown(api, project, name, b"<svg onload=alert(1)><script>alert(2)</script></svg>")
        assert shown["kind"] == "text"
        assert shown["text"].startswith("<svg")
        assert "url" not in shown

    def test_large_text_is_cut(self, api: Any, project: Any) -> None:
        shown = self.shown(api, project, "log.txt", "é".encode() * 200_000)
        assert shown["kind"] == "text"
        assert shown["truncated"] is True
        assert set(shown["text"]) == {"é"}
        assert len(shown["text"]) <= 256 * 1024

    def test_table(self, api: Any, project: Any) -> None:
        shown = self.shown(api, project, "t.csv", 'x;y\r\n1;"a;b"\r\n'.encode("utf-8-sig"))
        assert (shown["kind"], shown["rows"]) == ("csv", [["x", "y"], ["1", "a;b"]])
        shown = self.shown(api, project, "t.csv", b"a,b\n" * 600)
        assert (len(shown["rows"]), shown["truncated"]) == (500, True)

    def test_json(self, api: Any, project: Any) -> None:
        assert self.shown(api, project, "a.json", b'{"b":[1]}')["text"] == '{\n  "b": [\n    1\n  ]\n}'
        for broken in (b"{", b"[" * 5000, b"1" * 5000):
            assert self.shown(api, project, "a.json", broken)["kind"] in ("text", "json")

    @pytest.mark.parametrize(
        ("name", "content", "kind"),
        [
            ("a.mp3", b"ID3\x04" + b"\0" * 60, "audio/mpeg"),
            ("a.wav", b"RIFF\0\0\0\0WAVEfmt " + b"\0" * 60, "audio/wav"),
            ("a.ogg", b"OggS" + b"\0" * 60, "audio/ogg"),
            ("a.mp4", b"\0\0\0\x18ftypmp42" + b"\0" * 60, "video/mp4"),
        ],
    )
    def test_sound_and_video_are_played_from_their_address_in_ranges(
        self, api: Any, project: Any, name: str, content: bytes, kind: str
    ) -> None:
        shown = self.shown(api, project, name, content)
        assert shown["kind"] == kind.partition("/")[0]
        answer = Client().get(shown["url"].removeprefix("http://testserver"), headers={"Range": "bytes=1-4"})
        assert (answer.status_code, b"".join(answer.streaming_content)) == (206, content[1:5])  # type: ignore[attr-defined]
        assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == (kind, "nosniff")
        assert "sandbox" in answer["Content-Security-Policy"]

    @pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.mp4", "a.webm"])
    def test_what_is_only_called_so_is_not_played(self, api: Any, project: Any, name: str) -> None:
        shown = self.shown(api, project, name, b"<html><script>alert(1)</script></html>")
        assert (shown["kind"], "url" in shown) == ("text", False)

    def test_what_is_compressed_stays_so(self, api: Any, project: Any) -> None:
        bomb = gzip.compress(b"0" * 50_000_000)
        for name in ("bomb.gz", "bomb.json.gz", "bomb.csv", "bomb.ipynb"):
            shown = self.shown(api, project, name, bomb)
            assert shown["kind"] == "none"

    def test_deep_json_does_not_become_a_flood_of_spaces(self, api: Any, project: Any) -> None:
        content = b"[" * 400 + b"0," * 100_000 + b"0" + b"]" * 400
        shown = self.shown(api, project, "deep.json", content)
        assert len(shown["text"]) <= 3 * 1024 * 1024

    def test_halves_of_characters(self, api: Any, project: Any) -> None:
        assert self.shown(api, project, "a.json", b'{"a": "\\ud800"}')["text"] == '{\n  "a": "?"\n}'
        assert self.shown(api, project, "a.txt", b"\xff\xfe\x00\xd8")["kind"] == "text"
        assert self.shown(api, project, "a.txt", b"caf\xc3\xa9 \xff\xfe")["kind"] == "text"

    def test_what_is_no_text(self, api: Any, project: Any) -> None:
        assert self.shown(api, project, "model.bin", b"\x00\x01\x02")["kind"] == "none"
        assert self.shown(api, project, "empty.txt", b"") == {"kind": "text", "text": "", "truncated": False}
        assert self.shown(api, project, "utf16.txt", "grün".encode("utf-16"))["text"] == "grün"
        assert self.shown(api, project, "old.txt", "grün".encode("latin-1"))["text"] == "grün"

    def test_of_purged_and_lost_files(self, api: Any, project: Any) -> None:
        datum = factories.make_datum(project)
        default_storage.delete(datum.key)
        assert api.get(f"{DATA}{datum.pk}/preview/").json()["kind"] == "none"
        Datum.objects.update(purged_at=clock.now())
        assert api.get(f"{DATA}{datum.pk}/preview/").json()["kind"] == "none"


class TestPreviewOfNotebooks:
    shown = TestPreview.shown
    PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 20).decode()

    def cells(self, api: Any, project: Any, *cells: Any) -> list[dict[str, Any]]:
        content = json.dumps({"cells": cells, "nbformat": 4}).encode()
        shown = self.shown(api, project, "a.ipynb", content)
        assert shown["kind"] == "notebook", shown
        found: list[dict[str, Any]] = shown["cells"]
        return found

    def output(self, data: Any) -> dict[str, Any]:
        return {
            "cell_type": "code",
            "source": "x",
            "outputs": [{"output_type": "display_data", "data": data}],
        }

    def test_cells_and_outputs(self, api: Any, project: Any) -> None:
        stream = {"output_type": "stream", "text": ["a\n", "b"]}
        error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["line 1", "line 2"]}
        shown = self.cells(
            api, project,
            {"cell_type": "markdown", "source": ["# Title\n", "text"]},
            {"cell_type": "code", "source": "print(1)", "outputs": [stream, error]},
            self.output({"image/png": self.PNG, "text/plain": "<Figure>"}),
        )  # fmt: skip
        assert [cell["kind"] for cell in shown] == ["markdown", "code", "code"]
        assert shown[0]["source"] == "# Title\ntext"
        assert shown[1]["outputs"] == [
            {"kind": "text", "text": "a\nb"},
            {"kind": "error", "text": "line 1\nline 2"},
        ]
        assert shown[2]["outputs"] == [{"kind": "image", "url": f"data:image/png;base64,{self.PNG}"}]

    @pytest.mark.parametrize(
        "data",
        [
            {"text/html": "<script>alert(1)</script>"},
            {"image/svg+xml": "<svg onload=alert(1)>"},
            {"application/javascript": "alert(1)"},
            {"image/png": base64.b64encode(b"<svg onload=alert(1)>").decode()},
            {"image/png": '"><script>alert(1)</script>'},
            {"image/png": {"nested": 1}},
        ],
    )
    def test_nothing_of_it_is_markup(self, api: Any, project: Any, data: Any) -> None:
        [cell] = self.cells(api, project, self.output(data))
        [output] = cell["outputs"]
        assert output["kind"] == "hidden"
        assert "alert" not in output["text"]
        [cell] = self.cells(api, project, self.output({**data, "text/plain": "instead"}))
        assert cell["outputs"] == [{"kind": "text", "text": "instead"}]

    def test_pictures_beyond_any_use(self, api: Any, project: Any) -> None:
        shown = self.cells(api, project, *[self.output({"image/png": self.PNG})] * 30)
        kinds = [cell["outputs"][0]["kind"] for cell in shown]
        assert kinds == ["image"] * 20 + ["hidden"] * 10

    def test_what_is_a_notebook_by_name_only(self, api: Any, project: Any) -> None:
        for content in (b"{", b"[]", b'{"cells": 3}', b"[" * 5000, b'"\\ud800"'):
            assert self.shown(api, project, "a.ipynb", content)["kind"] in ("text", "json")

    def test_cells_of_wrong_shapes(self, api: Any, project: Any) -> None:
        strange = [None, 3, {}, {"cell_type": "code", "source": 3, "outputs": 3}, {"source": ["\ud800", 1]}]
        strange.append({"cell_type": "code", "outputs": [None, {}, {"output_type": "error", "traceback": 1}]})
        assert len(self.cells(api, project, *strange)) == 4

    def test_long_ones_are_cut(self, api: Any, project: Any) -> None:
        cells = [{"cell_type": "code", "source": "x" * 10_000, "outputs": []}] * 200
        content = json.dumps({"cells": cells}).encode()
        shown = self.shown(api, project, "a.ipynb", content)
        assert shown["truncated"] is True
        assert sum(len(cell["source"]) for cell in shown["cells"]) == 256 * 1024
