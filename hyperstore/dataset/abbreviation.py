"""Frames called by the first characters of their ids, as people type them."""

from itertools import islice

from hyperstore.dataset.edit import root
from hyperstore.dataset.store import Store
from hyperstore.dataset.view import View
from hyperstore.errors import FrameError, NotFoundError, UsageError
from hyperstore.frames import keys
from hyperstore.tree import cursor

__all__ = ["find_frame", "frames_beginning"]

_DIGITS = frozenset("0123456789abcdef")
_SHOWN_MAX = 5


def find_frame(store: Store, view: View, word: str) -> str:
    """Return the id of the frame that `word` is the id of, or the one whose id begins with it.

    NotFoundError where there is none, UsageError where there are several.
    """
    try:
        if word in view:
            return word
    except FrameError:
        pass  # Too long for an id, or empty; then it is no beginning of one either.
    found = frames_beginning(store, view, word, most=_SHOWN_MAX) if word else []
    if not found:
        raise NotFoundError(f"no frame {word!a} in {view.home.describe()}")
    if len(found) > 1:
        shown = ", ".join(ascii(one) for one in found)
        raise UsageError(f"{word!a} is short for several frames: {shown}; give more of the id")
    return found[0]


def frames_beginning(store: Store, view: View, word: str, *, most: int) -> list[str]:
    """Return the ids that begin with `word`, at most so many, in the order of their keys."""
    nodes = store.handle.staging().nodes
    found: list[str] = []
    for low, high in _ranges(word):
        scanned = cursor.scan(nodes, root(view.snapshot, "frames"), start=low, stop=high)
        found += [keys.frame_id(key) for key, _ in islice(scanned, most - len(found))]
    return found


def _ranges(word: str) -> list[tuple[bytes, bytes]]:
    """Return where in the tree of frames the ids stand that begin with `word`.

    Ids of 32 hex digits are kept as bytes, so an odd number of digits ends inside a byte.
    """
    text = keys.frame_key("~" + word)  # Any other character makes it no hex id.
    tag, letters = text[:1], text[2:]
    ranges = [(tag + letters, _after(tag + letters))]
    if len(word) <= 32 and _DIGITS.issuperset(word):
        low = keys.frame_key(word.ljust(32, "0"))
        high = keys.frame_key(word.ljust(32, "f"))
        ranges.insert(0, (low, _after(high)))
    return ranges


def _after(prefix: bytes) -> bytes:
    """Return the first key after all that begin with `prefix`."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1])
