"""What a page may show of a file: never markup that runs."""

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
