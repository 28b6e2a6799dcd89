"""What a folder changes in a version: frames on their way into it, and its legend.

Both kinds of frames say which object they replace, so that nothing is overwritten that somebody
stored while the folder was read.
"""

from collections.abc import Callable

from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.errors import FormatError
from hyperstore.formats.folderside import Legend
from hyperstore.frames.read import read_frame
from hyperstore.frames.roots import Roots
from hyperstore.ids import ObjectId

__all__ = ["FreshFrame", "RefreshedFrame", "add_legend"]

_Wire = dict[str, object]


class FreshFrame:
    """A frame that is stored if nobody has stored one of its id meanwhile; small once it is."""

    __slots__ = ("_again", "_wire", "object_id")

    def __init__(self, wire: _Wire, again: Callable[[], _Wire]) -> None:
        self.object_id = ObjectId(b"")  # That of no frame: any that is there is another one.
        self._wire: _Wire | None = wire
        self._again = again

    def to_dict(self) -> _Wire:
        """Return it as a wire frame."""
        wire, self._wire = self._wire or self._again(), None
        return wire


class RefreshedFrame:
    """A frame brought up to date; small once it is written, since all of a call are held."""

    __slots__ = ("_again", "_payload", "_roots", "object_id")

    def __init__(
        self, object_id: ObjectId, payload: bytes, roots: Roots, again: Callable[[], bytes]
    ) -> None:
        self.object_id = object_id
        self._payload: bytes | None = payload
        self._roots = roots
        self._again = again

    def to_dict(self) -> _Wire:
        """Return it as a wire frame."""
        payload, self._payload = self._payload or self._again(), None
        return read_frame(payload, home=None, object_id=None, roots=self._roots).to_dict()


def add_legend(version: DatasetVersion, legend: Legend, name: str) -> None:
    """Say what a legend says beside what is said already; FormatError where they clash."""
    known = version.get_masks_labels()
    wanted = {colour: tuple(labels) for colour, labels in legend.items()}
    for colour, labels in wanted.items():
        if known.get(colour, labels) != labels:
            raise FormatError(
                f"{name}: the colour {colour} means {list(labels)!a}, but in this version "
                f"{list(known[colour])!a}; say by set_masks_labels which holds"
            )
    if not wanted.keys() <= known.keys():
        version.set_masks_labels({**known, **wanted})
