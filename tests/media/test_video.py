"""A moment of a video as a picture, and what is said where PyAV is not installed."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from hyperstore.errors import MediaError, RefusedError, UsageError
from hyperstore.media.thumbnail import thumbnail
from hyperstore.media.video import open_moment
from tests.support.pictures import encoded, quarters

av = pytest.importorskip("av", reason="videos need PyAV")

SHADES = [0, 50, 100, 150, 200, 250] * 5


def _video(rate: int = 10) -> bytes:
    """Return a video of so many frames a second, each of one grey, one in 12 standing alone."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("mpeg4", rate=rate)
        track.width, track.height, track.pix_fmt, track.gop_size = 64, 48, "yuv420p", 12
        for shade in SHADES:
            picture = Image.new("RGB", (64, 48), (shade,) * 3)
            container.mux(track.encode(av.VideoFrame.from_image(picture)))
        container.mux(track.encode(None))
    return stream.getvalue()


@pytest.fixture(scope="module")
def video() -> bytes:
    """Return the bytes of a video."""
    return _video()


@pytest.mark.parametrize(("moment", "frame"), [(0, 0), (99, 0), (100, 1), (1250, 12), (2900, 29)])
def test_a_moment_shows_the_frame_that_is_on_the_screen(
    moment: int, frame: int, video: bytes
) -> None:
    """A frame is shown from its time until the next one's."""
    found = open_moment(video, moment)
    level = found.getpixel((30, 20))
    assert isinstance(level, tuple)
    assert found.size == (64, 48)
    assert abs(level[0] - SHADES[frame]) < 12


def test_a_moment_in_whole_milliseconds_finds_the_frame_it_was_written_for() -> None:
    """At 30 frames a second they stand at 33.3 and 66.7 ms, and frames say 33 and 66, or 67."""
    data = _video(rate=30)
    for moment, frame in [(0, 0), (33, 1), (66, 2), (67, 2), (100, 3)]:
        level = open_moment(data, moment).getpixel((30, 20))
        assert isinstance(level, tuple)
        assert abs(level[0] - SHADES[frame]) < 12


def test_past_the_end_the_last_frame_is_shown(video: bytes) -> None:
    """The time of a frame may be rounded up by whoever wrote it down."""
    level = open_moment(video, 1_000_000).getpixel((30, 20))
    assert isinstance(level, tuple)
    assert abs(level[0] - SHADES[-1]) < 12


def test_a_moment_has_a_thumbnail_of_its_own(video: bytes, tmp_path: Path) -> None:
    """Two frames of one file have one content hash and two pictures."""
    first = thumbnail(video, box=(32, 32), folder=tmp_path, moment_ms=0)
    later = thumbnail(video, box=(32, 32), folder=tmp_path, moment_ms=500)
    assert Image.open(io.BytesIO(later.data)).size == (32, 24)
    assert first.data != later.data
    assert thumbnail(video, box=(32, 32), folder=tmp_path, moment_ms=500) == later


def test_what_is_no_video_is_one_error(video: bytes) -> None:
    """Nothing of the library's own errors is seen."""
    for data in (b"", b"hello", video[:200], video[: len(video) // 2]):
        with pytest.raises(MediaError):
            open_moment(data, 0)
    with pytest.raises(UsageError, match="from 0"):
        open_moment(video, -1)
    with pytest.raises(RefusedError, match="64 x 48"):
        open_moment(video, 0, pixels_max=100)
    with pytest.raises(MediaError):
        open_moment(encoded(quarters(8, 8), "PNG")[:60], 0)


def test_without_the_library_the_error_says_how_to_install_it() -> None:
    """The extra is not installed unless somebody asks for it."""
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from hyperstore.media.video import open_moment\n"
        "try:\n    open_moment(b'x', 0)\n"
        "except ValueError as error:\n    print(type(error).__name__, error)\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("UsageError")
    assert "pip install 'hyperstore[video]'" in done.stdout
