"""`move_sources`: URIs under one prefix, led to another in one edit."""

import threading
from pathlib import Path

import pytest

import hyperstore
from hyperstore import Annotation, BoundingBox2D, DatasetVersion, FrameGroup, SingleFrame, Store
from hyperstore.dataset.relocate import lead_of
from hyperstore.errors import ConflictError, NotFoundError, PublishedError, UsageError
from hyperstore.frames.roots import Roots

NAMES = ("s3://bucket/a/1.jpg", "s3://bucket/a/deep/2.jpg", "s3://bucket/ab/3.jpg")


def sources(version: DatasetVersion) -> list[str | None]:
    return [one.source for one in version if isinstance(one, SingleFrame)]


def annotations(frame: SingleFrame | FrameGroup) -> list[Annotation]:
    return frame.annotations if isinstance(frame, SingleFrame) else []


@pytest.fixture
def filled(draft: DatasetVersion) -> DatasetVersion:
    """Return a draft with three committed frames, one of them with a box."""
    frames = [SingleFrame(source=uri, context_id="c", timestamp=at) for at, uri in enumerate(NAMES)]
    frames[0].annotations.append(BoundingBox2D([1, 2, 3, 4], labels=["cat"]))
    draft.add_frames(frames)
    draft.commit("Add three")
    return draft


def test_sources_are_led_at_the_border_of_a_path(filled: DatasetVersion) -> None:
    """`a` is no prefix of `ab`; ids and annotations stay."""
    before = [one.id for one in filled]
    assert filled.move_sources("s3://bucket/a/", "gs://other/b") == 2
    assert sources(filled) == ["gs://other/b/1.jpg", "gs://other/b/deep/2.jpg", NAMES[2]]
    assert [one.id for one in filled] == before
    (box,) = [roi for frame in filled for roi in annotations(frame)]
    assert box.labels == ["cat"]


def test_it_is_one_operation(store: Store, filled: DatasetVersion) -> None:
    """And one undo takes it back."""
    root = filled.content_id
    number = next(store.operations()).number
    filled.move_sources("s3://bucket", "s3://other")
    operation = next(store.operations())
    assert (operation.number, operation.command) == (number + 1, "move sources")
    store.undo()
    assert filled.content_id == root


def test_there_and_back_is_nothing(filled: DatasetVersion) -> None:
    """Whatever else a frame holds stays as it is, byte for byte."""
    root = filled.content_id
    filled.move_sources("s3://bucket", "/data/here")
    assert sources(filled)[0] == "/data/here/a/1.jpg"
    filled.move_sources("/data/here", "s3://bucket")
    assert filled.content_id == root


def test_masks_previews_and_members_go_along(draft: DatasetVersion) -> None:
    """All that a frame points at may lie in the folder that moved."""
    member = SingleFrame(
        source="/old/a.jpg", mask_source={"m": "/old/m.png"}, preview_uri="/old/p.jpg"
    )
    draft.add_frames([FrameGroup("g", None, {"left": member, "right": SingleFrame(source="/x/b")})])
    assert draft.move_sources("/old", "/new/place") == 1
    group = draft.get_frame("g")
    assert isinstance(group, FrameGroup)
    assert group["left"].source == "/new/place/a.jpg"
    assert group["left"].masks_source == {"m": "/new/place/m.png"}
    assert group["left"].preview_uri == "/new/place/p.jpg"
    assert group["right"].source == "/x/b"


def test_local_places_are_given_in_any_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path, an absolute one, file://, or `root:` as it is stored."""
    with hyperstore.init(tmp_path / ".hyperstore") as store:
        store.handle.set_config("roots.far", str(tmp_path / "far"))
        draft = store.create_dataset("cells").version()
        draft.add_frames([SingleFrame("one", source=tmp_path / "a" / "1.jpg")])
        monkeypatch.chdir(tmp_path)
        steps: list[tuple[str | Path, str | Path, str]] = [
            ("a", "b", "b/1.jpg"),
            (f"file://{tmp_path}/b", tmp_path / "c", "c/1.jpg"),
            ("root:/c", "root:far/d", "far/d/1.jpg"),
            ("root:far/", "root:/e/", "e/d/1.jpg"),
            (tmp_path / "e" / "d" / "1.jpg", "f.jpg", "f.jpg"),
        ]
        for prefix, new, there in steps:
            assert draft.move_sources(prefix, new) == 1
            assert sources(draft) == [str(tmp_path / there)]
        with pytest.raises(UsageError, match=r"set roots\.unknown"):
            draft.move_sources("root:/f.jpg", "root:unknown/f.jpg")


def test_a_dry_run_only_counts(filled: DatasetVersion) -> None:
    """Before a million frames are led astray."""
    root = filled.content_id
    assert filled.move_sources("s3://bucket", "s3://other", dry_run=True) == 3
    assert filled.content_id == root


def test_a_prefix_of_nothing_names_the_nearest(filled: DatasetVersion) -> None:
    """A typing error is told at once, and nothing has changed."""
    root = filled.content_id
    with pytest.raises(NotFoundError, match="the closest: 's3://bucket/ab'"):
        filled.move_sources("s3://bucket/abb", "s3://other")
    with pytest.raises(NotFoundError):
        filled.move_sources("s3://buck", "s3://other")
    assert filled.content_id == root


@pytest.mark.parametrize(
    ("prefix", "new"),
    [
        ("s3://bucket", "s3://bucket/"),
        ("s3://bucket", ""),
        ("", "s3://bucket"),
        ("s3://bucket", "s3://me:secret@host:9000/bucket"),
        ("s3://bucket", "s3://other/../up"),
        ("s3://bucket", "media:" + "0" * 64),
        ("s3://bucket", "/a\0b"),
        ("s3://bucket", 5),
    ],
)
def test_places_that_are_none_are_refused(filled: DatasetVersion, prefix: str, new: str) -> None:
    """One clear error, and nothing has changed."""
    root = filled.content_id
    with pytest.raises(UsageError):
        filled.move_sources(prefix, new)
    assert filled.content_id == root


def test_a_published_version_stays(filled: DatasetVersion) -> None:
    """As with every other edit."""
    filled.publish()
    with pytest.raises(PublishedError):
        filled.move_sources("s3://bucket", "s3://other")


def test_a_frame_that_others_change_meanwhile_is_not_overwritten(
    filled: DatasetVersion,
) -> None:
    """Their labels would be lost; the whole edit is refused, to be done again."""

    def lead_while_others_write() -> None:
        with filled.batch():
            filled.move_sources("s3://bucket", "s3://other")
            change_behind(filled)

    with pytest.raises(ConflictError):
        lead_while_others_write()
    assert sources(filled)[0] == NAMES[0]


def change_behind(version: DatasetVersion) -> None:
    """Change a frame from another thread, outside of the batch of this one."""

    def work() -> None:
        frame = next(iter(version))
        frame.metadata["seen"] = True
        version.update_frames([frame])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_the_border_of_a_bare_root_and_of_a_scheme() -> None:
    """`/` is all local files, `s3://` all buckets."""
    roots = Roots({})
    assert lead_of("/", "/mnt", roots).of("file:///a/b") == "file:///mnt/a/b"
    assert lead_of("/a", "/", roots).of("file:///a/b") == "file:///b"
    assert lead_of("s3://x/a", "s3://x", roots).of("s3://x/a/b") == "s3://x/b"
    assert lead_of("s3://", "s3://host:9000", roots).of("s3://x/a") == "s3://host:9000/x/a"
    assert lead_of("/data", "s3://", roots).of("file:///data/x/a") == "s3://x/a"
    assert lead_of("https://h/a", "https://h/b", roots).of("https://h/a?x=1") is None


def test_names_are_quoted_for_servers_of_the_web_and_back(
    draft: DatasetVersion, tmp_path: Path
) -> None:
    """`a#1.png` as it stands would ask the server for `a`; in buckets keys stand as they are."""
    names = ["100%.png", "a b#1.png", "q?x=1.png", "ü.png"]
    draft.add_frames([SingleFrame(source=str(tmp_path / name)) for name in names])
    quoted = ["100%25.png", "a%20b%231.png", "q%3Fx%3D1.png", "%C3%BC.png"]
    assert draft.move_sources(tmp_path, "https://host.example/p") == 4
    assert set(sources(draft)) == {f"https://host.example/p/{name}" for name in quoted}
    assert draft.move_sources("https://host.example/p", "http://other.example") == 4
    assert set(sources(draft)) == {f"http://other.example/{name}" for name in quoted}
    assert draft.move_sources("http://other.example", "s3://bucket/p") == 4
    assert set(sources(draft)) == {f"s3://bucket/p/{name}" for name in names}
    assert draft.move_sources("s3://bucket/p", "https://host.example/p") == 4
    assert draft.move_sources("https://host.example/p", tmp_path) == 4
    assert set(sources(draft)) == {str(tmp_path / name) for name in names}


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("uri", "new"),
    [
        ("https://host.example/p/a.png?id=1", "s3://bucket"),
        ("https://host.example/p/%2e%2e%2fa.png", "/data"),
        ("https://host.example/p/a.png", "media:" + "a" * 64),
        ("https://host.example/p/a.png", "s3://bucket/" + "x" * 8178),
    ],
)
def test_what_cannot_be_led_is_refused_by_a_dry_run_too(
    draft: DatasetVersion, uri: str, new: str, dry_run: bool
) -> None:
    """Two pictures that a query tells apart would be one file; nothing is led."""
    draft.add_frames([{"id": "x", "sources": [{"id": "default", "uri": uri}]}])
    before = draft.content_id
    with pytest.raises(UsageError):
        draft.move_sources("https://host.example/p", new, dry_run=dry_run)
    assert draft.content_id == before
