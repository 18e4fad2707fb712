"""Addresses of the data endpoints, and how to read their lists."""

from typing import Any

DATA = "/api/v0/data/"
ALIASES = "/api/v0/datum-aliases/"
STORES = "/api/v0/stores/"
NOBODY = "01744e18-c8cf-4ed9-0a44-412f65b0f224"


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]
