"""Servers that speak the protocols of clouds, on loopback, where they are installed."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlsplit

import pytest

__all__ = ["AZURITE_KEY", "azurite", "make_container", "moto_server"]

# The one account that every azurite has; it is printed in its manual.
AZURITE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@contextlib.contextmanager
def moto_server(folder: Path) -> Iterator[str]:
    """Run moto's S3 and give its HOST:PORT."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        pytest.skip("moto is not installed: pip install 'moto[s3]' flask flask-cors")
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, folder, port):
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[str]:
    """Run azurite's blobs and give its HOST:PORT."""
    found = os.environ.get("HYPERSTORE_AZURITE") or shutil.which("azurite-blob")
    if found is None:
        needed = "azurite is not installed: npm install -g azurite, or HYPERSTORE_AZURITE"
        if os.environ.get("CI") == "true" and shutil.which("npm"):
            pytest.fail(needed)
        pytest.skip(needed)
    port = _free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    with _running([found, *options, "--silent", "--skipApiVersionCheck"], folder, port):
        yield f"127.0.0.1:{port}"


def make_container(endpoint: str) -> None:
    """Make the container `pets`, which object storage clients leave to others."""
    parts = urlsplit(endpoint)
    account = parts.path.strip("/")
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    lines = [f"{name}:{value}" for name, value in sorted(headers.items())]
    resource = f"/{account}{parts.path}/pets\nrestype:container"
    signed = "\n".join(["PUT", *[""] * 11, *lines, resource])
    mac = hmac.new(base64.b64decode(AZURITE_KEY), signed.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {account}:{base64.b64encode(mac).decode()}"
    asked = http.client.HTTPConnection(parts.netloc)
    asked.request("PUT", f"{parts.path}/pets?restype=container", headers=headers)
    assert asked.getresponse().status == 201
    asked.close()


@contextlib.contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            _await(server, port)
            yield
        finally:
            server.terminate()
            server.wait(30)


def _await(server: subprocess.Popen[bytes], port: int) -> None:
    """Return once somebody answers at the port."""
    for _ in range(600):
        try:
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asked.request("GET", "/")
            asked.getresponse()
            asked.close()
            return
        except OSError:
            assert server.poll() is None, "the server ended at once"
            time.sleep(0.05)
    pytest.fail("the server did not answer within 30 s")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
