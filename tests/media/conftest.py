"""What tests of media share: a cache folder of their own, and a server of the web."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.webserver import WebServer, private_cache, web_server


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the cache, with no patience for failures and no floor."""
    monkeypatch.setenv("HYPERSTORE_MEDIA_TIMEOUT", "20")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return private_cache(tmp_path / "cache", monkeypatch)


@pytest.fixture
def web() -> Iterator[WebServer]:
    """Return a server that holds one picture, which is none but has the bytes for it."""
    with web_server() as server:
        server.files["cat.jpg"] = bytes(range(256)) * 40
        yield server
