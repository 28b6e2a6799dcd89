"""One small XML file as a tree, read by the standard library's expat with everything dangerous off.

A document type is refused, and with it all entities: what expands (XML bombs) or reads other files
cannot be declared. Size, depth and the number of elements are bounded. Why not defusedxml: it adds
a dependency to switch off the same three things.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from hyperstore.errors import FormatError, NotFoundError, RefusedError
from hyperstore.limits import XML_BYTES_MAX, XML_DEPTH_MAX, XML_ELEMENTS_MAX

__all__ = ["ORDER", "Element", "arranged", "parse"]

ORDER = "#order"
"""Where a value keeps the names of its children as they stood, should that not be the usual order.

No element and no attribute has such a name.
"""

_USUAL = (
    *("folder", "filename", "path", "source", "database", "annotation", "image", "flickrid"),
    *("owner", "name", "size", "width", "height", "depth", "segmented", "pose", "truncated"),
    *("occluded", "difficult", "bndbox", "xmin", "ymin", "xmax", "ymax", "part", "actions"),
    "object",
)
_RANK = {name: rank for rank, name in enumerate(_USUAL)}


def arranged(names: Iterable[str]) -> list[str]:
    """Return names of children in the usual order of VOC's elements; unknown ones last."""
    return sorted(names, key=lambda name: (_RANK.get(name, len(_RANK)), name))


@dataclass(slots=True)
class Element:
    """An element: its text without the spaces around it, its children in file order."""

    name: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def child(self, name: str) -> "Element | None":
        """Return the first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def value(self, *, without: frozenset[str] = frozenset()) -> object:
        """Return text, or a map of what the element holds; repeated children become a list.

        Those named in `without` are left out, but not of `ORDER`.
        """
        if not self.children and not self.attributes:
            return self.text
        found: dict[str, object] = {f"@{name}": text for name, text in self.attributes.items()}
        if self.text:
            found["#text"] = self.text
        lists: dict[str, list[object]] = {}
        for child in self.children:
            if child.name not in without:
                lists.setdefault(child.name, []).append(child.value())
        for name, values in lists.items():
            found[name] = values[0] if len(values) == 1 else values
        names = [child.name for child in self.children]
        if names != arranged(names):
            found[ORDER] = names
        return found


class _Builder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._open: list[Element] = []
        self._text: list[list[str]] = []
        self._count = 0
        self.root: Element | None = None

    def feed(self, data: bytes) -> None:
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as fault:
            raise FormatError(
                f"{self._path}: line {fault.lineno}, column {fault.offset + 1}: "
                f"{expat.ErrorString(fault.code)}"
            ) from None
        except (ValueError, LookupError) as fault:  # An encoding that Python does not know.
            self._fail(str(fault))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= XML_DEPTH_MAX:
            self._fail(f"elements are nested deeper than {XML_DEPTH_MAX}")
        if self._count > XML_ELEMENTS_MAX:
            self._fail(f"there are more than {XML_ELEMENTS_MAX:,} elements")
        element = Element(name, self._parser.CurrentLineNumber, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._text.append([])

    def _end(self, name: str) -> None:
        self._open.pop().text = "".join(self._text.pop()).strip()

    def _characters(self, text: str) -> None:
        self._text[-1].append(text)

    def _doctype(self, *_: object) -> None:
        self._fail("a document type is refused, since it could declare entities that expand")

    def _fail(self, why: str) -> NoReturn:
        raise FormatError(f"{self._path}: line {self._parser.CurrentLineNumber}: {why}")


def parse(path: Path) -> Element:
    """Return the root element, or raise FormatError naming file and line."""
    if path.is_dir():
        raise FormatError(f"{path} is a folder, not an XML file")
    try:
        with path.open("rb") as stream:
            data = stream.read(XML_BYTES_MAX + 1)
    except FileNotFoundError:
        raise NotFoundError(f"no file {path}") from None
    except OSError as fault:
        raise RefusedError(f"{path} cannot be read: {fault.strerror}") from None
    if len(data) > XML_BYTES_MAX:
        raise FormatError(f"{path} is larger than {XML_BYTES_MAX:,} bytes")
    builder = _Builder(path)
    builder.feed(data)
    assert builder.root is not None  # Expat refuses a file without an element.
    return builder.root
