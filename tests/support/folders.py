"""A folder of pictures beside a store, and one call that adds it."""

from dataclasses import dataclass
from pathlib import Path

from hyperstore import DatasetVersion, FrameGroup, SingleFrame
from hyperstore.formats.folder import FolderReport, add_folder
from tests.support.pictures import draw

__all__ = ["Pictures"]


@dataclass
class Pictures:
    """A folder, and the draft that it is added to."""

    draft: DatasetVersion
    folder: Path

    def add(self, place: object = None, **options: object) -> FolderReport:
        folder = self.folder if place is None else place
        return add_folder(self.draft, folder, **options)  # type: ignore[arg-type]

    def groups(self) -> list[FrameGroup]:
        return [one for one in self.draft if isinstance(one, FrameGroup)]

    def draw(self, name: str, seed: int = 0, size: tuple[int, int] = (6, 4)) -> Path:
        return draw(self.folder / name, seed, size)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def at(self, name: str) -> SingleFrame:
        """Return the one frame whose source is this file."""
        found = [one for one in self.frames() if one.source == str(self.folder / name)]
        assert len(found) == 1, [one.source for one in self.frames()]
        return found[0]

    def by_id(self, frame_id: str) -> SingleFrame:
        frame = self.draft.get_frame(frame_id)
        assert isinstance(frame, SingleFrame)
        return frame

    def frames(self) -> list[SingleFrame]:
        return [one for one in self.draft if isinstance(one, SingleFrame)]

    def names(self) -> dict[str, str]:
        """Return the id of each frame by the path of its source in the folder."""
        start = str(self.folder) + "/"
        return {str(one.source).removeprefix(start): one.id for one in self.frames()}
