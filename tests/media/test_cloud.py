"""Objects in buckets, spoken to in the protocols of their providers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from hyperstore.errors import HyperstoreError, MediaError, NotFoundError, RefusedError
from hyperstore.frames.frame import SingleFrame
from hyperstore.media.local import local_file
from tests.support.clouds import AZURITE_KEY, azurite, make_container, moto_server
from tests.support.webserver import WebServer

obstore = pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")

# The server of these tests is a thread of a process that forks, which newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

PICTURE = bytes(range(256)) * 4096  # A MiB.
KEYS = ["cat.jpg", "a b/é c.jpg", "50%25.jpg", "q?x=1&y#z.jpg", "a+b@2x.jpg"]


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine's own environment says about clouds."""
    for name in [one for one in os.environ if one.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the HOST:PORT of an S3 that has the bucket `pets`."""
    from obstore.store import S3Store

    with moto_server(tmp_path_factory.mktemp("moto")) as host:
        import http.client

        asked = http.client.HTTPConnection(host)
        asked.request("PUT", "/pets")
        asked.getresponse().read()
        asked.close()
        client = S3Store(
            "pets",
            endpoint=f"http://{host}",
            access_key_id="a",
            secret_access_key="b",
            client_options={"allow_http": True},
        )
        for key in KEYS:
            obstore.put(client, key, PICTURE + key.encode())
        yield host


def set_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say who we are as users of AWS do."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


@pytest.mark.parametrize("key", KEYS)
def test_so_04_s3_at_a_host_and_port(s3: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """MinIO and its like are named so; a key is taken as it is written."""
    set_keys(monkeypatch)
    path = Path(local_file(f"s3://{s3}/pets/{key}"))
    assert path.read_bytes() == PICTURE + key.encode()
    assert path.suffix == ".jpg"


def test_so_03_s3_at_the_endpoint_of_the_environment(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`s3://BUCKET/KEY` goes where the `aws` command would."""
    set_keys(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{s3}")
    assert Path(local_file("s3://pets/cat.jpg")).read_bytes() == PICTURE + b"cat.jpg"


def test_s3_with_the_files_of_the_aws_command(s3: str, tmp_path: Path) -> None:
    """Most laptops have these, and no variables."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = eu-central-1\n")
    assert Path(local_file(f"s3://{s3}/pets/cat.jpg")).read_bytes() == PICTURE + b"cat.jpg"


def test_an_object_that_is_not_there_is_not_found(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the URI, not the structures of a client."""
    set_keys(monkeypatch)
    with pytest.raises(NotFoundError, match=r"pets/dog\.jpg' is not there"):
        local_file(f"s3://{s3}/pets/dog.jpg")


def fetched_in_child(uri: str, path: str) -> None:
    """Fetch in another process, and write down the path or the error."""
    try:
        said = local_file(uri)
    except HyperstoreError as error:
        said = f"{type(error).__name__}: {error}"
    Path(path).write_text(said)


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_sf_26_workers_fetch_from_buckets(
    s3: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a parent that has used the same client before: its threads are not the child's."""
    set_keys(monkeypatch)
    assert local_file(f"s3://{s3}/pets/cat.jpg")
    for key, expected in (("a+b@2x.jpg", "cache"), ("dog.jpg", "NotFoundError: ")):
        answer = tmp_path / "answer"
        uri = f"s3://{s3}/pets/{key}"
        child = get_context(how).Process(  # type: ignore[attr-defined]
            target=fetched_in_child, args=(uri, str(answer))
        )
        child.start()
        child.join(60)
        assert child.exitcode == 0
        said = answer.read_text()
        assert expected in said
    assert Path(local_file(f"s3://{s3}/pets/a+b@2x.jpg")).read_bytes() == PICTURE + b"a+b@2x.jpg"


def test_azure_at_a_host_and_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form in which azurite and its like are named."""
    from obstore.store import AzureStore

    with azurite(tmp_path) as host:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", AZURITE_KEY)
        endpoint = f"http://{host}/devstoreaccount1"
        client = AzureStore(
            "pets",
            account_name="devstoreaccount1",
            endpoint=endpoint,
            client_options={"allow_http": True},
        )
        make_container(endpoint)
        obstore.put(client, "a b/cat.jpg", PICTURE)
        uri = f"azure://{host}/devstoreaccount1/pets/a b/cat.jpg"
        assert Path(local_file(uri)).read_bytes() == PICTURE
        with pytest.raises(NotFoundError):
            local_file(uri.replace("cat", "dog"))
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", AZURITE_KEY.replace("E", "F"))
        with pytest.raises(RefusedError, match="credentials"):
            local_file(uri, force=True)


def test_google_by_its_own_path(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading is a plain GET of /BUCKET/KEY, which our own server can answer."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", web.host)
    web.files["a b.jpg"] = PICTURE
    assert Path(local_file("gs://files/a b.jpg")).read_bytes() == PICTURE
    with pytest.raises(NotFoundError):
        local_file("gs://files/dog.jpg")


@pytest.mark.parametrize("kind", ["cut", "stall", "status"])
def test_a_bucket_that_lies_or_falls_silent_is_an_error(
    web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The client of buckets is held to what the web is held to."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", web.host)
    monkeypatch.setenv("HYPERSTORE_MEDIA_TIMEOUT", "1")
    web.files["cat.jpg"] = PICTURE
    with pytest.raises(MediaError) as failure:
        local_file(f"gs://{kind}/{500 if kind == 'status' else 'cat.jpg'}")
    assert web.asked
    assert "Last-Modified" not in str(failure.value)
    assert list((cache / "partial").iterdir()) == []
    assert not list(cache.glob("??/*"))


def test_without_credentials_the_answer_says_so(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And how to read what is open to all, which is what most people then want."""
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://{web.host}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    with pytest.raises(RefusedError, match=r"no credentials.*AWS_SKIP"):
        local_file("s3://pets/cat.jpg")


def test_without_the_library_the_command_to_install_it_is_named(tmp_path: Path) -> None:
    """One clear error, and all else works: the web needs nothing."""
    program = (
        "import sys; sys.modules['obstore'] = None\n"
        "from hyperstore.frames.frame import SingleFrame\n"
        "SingleFrame(source='s3://pets/cat.jpg').get_local_source(raise_on_error=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "pip install 'hyperstore[cloud]'" in done.stderr
    assert SingleFrame(source="s3://pets/cat.jpg").source == "s3://pets/cat.jpg"
