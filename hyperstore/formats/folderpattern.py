"""Patterns of file names, such as `masks/{stem}_{mask}.png`: what a name says, by its fields.

A pattern without a slash is for files beside the picture; one with a slash for paths from the
folder that is registered, with `{dir}/` for the picture's own folder. A name may be split in
several ways (`a_b_c.png` by `{stem}_{mask}.png`), so all are given: which one holds is for those
to say who know the pictures.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping

from hyperstore.errors import UsageError, nearest
from hyperstore.limits import PATTERN_FIELDS_MAX

__all__ = ["PICTURE_FIELDS", "Pattern", "picture_fields"]

PICTURE_FIELDS = ("dir", "name", "path", "stem")
"""Of `train/a.jpg`: `train`, `a.jpg`, `train/a`, `a`."""

_WIDE = frozenset({"dir", "path"})  # These may hold slashes.
_FIELD = re.compile(r"\{([^{}]*)\}")


def picture_fields(relative: str) -> dict[str, str]:
    """Return what a pattern may say of the picture at this path."""
    folder, name = posixpath.split(relative)
    stem = posixpath.splitext(name)[0]
    return {"dir": folder, "name": name, "path": posixpath.join(folder, stem), "stem": stem}


class Pattern:
    """One pattern: literal texts and fields in turn. A field that comes twice is the same twice."""

    def __init__(self, text: str, what: str, *, fields: tuple[str, ...]) -> None:
        """Take the pattern of an option `what`; UsageError where it is none."""
        self.text = text
        parts = _FIELD.split(text)
        literals, names = parts[::2], parts[1::2]
        if not names or any("{" in one or "}" in one for one in literals):
            raise UsageError(
                f"{what} {text!a} is no pattern; write one such as '{{stem}}.json', with a field "
                f"of {_listed(fields)}"
            )
        for name in names:
            if name not in fields:
                raise UsageError(
                    f"{what} {text!a}: there is no field {{{name}}}; the closest: "
                    f"{nearest(name, fields, 3)}"
                )
        if len(names) > PATTERN_FIELDS_MAX:
            raise UsageError(f"{what} {text!a} has more than {PATTERN_FIELDS_MAX} fields")
        if text.startswith("/") or ".." in text.split("/") or "\0" in text:
            raise UsageError(f"{what} {text!a} leads out of the folder; patterns are paths in it")
        if "dir" in names and not (text.startswith("{dir}/") and names.count("dir") == 1):
            raise UsageError(f"{what} {text!a}: {{dir}} comes first, and a slash after it")
        for at, literal in enumerate(literals[1:-1], 1):
            if not literal:
                raise UsageError(
                    f"{what} {text!a}: nothing stands between {{{names[at - 1]}}} and "
                    f"{{{names[at]}}}, so no name says where one ends"
                )
        self.is_beside = "/" not in text and "path" not in names
        self._literals, self._names = literals, names
        if names[0] == "dir":
            self._literals = ["", literals[1][1:], *literals[2:]]
        self.fields = frozenset(names) | ({"dir"} if self.is_beside else set())

    def readings(self, relative: str) -> Iterator[dict[str, str]]:
        """Yield each way in which a path fits, as what its fields are."""
        if not self.is_beside:
            yield from self._from(relative, 0, {})
            return
        folder, name = posixpath.split(relative)
        for found in self._from(name, 0, {}):
            found["dir"] = folder
            yield found

    def fits(self, relative: str) -> bool:
        return next(self.readings(relative), None) is not None

    def filled(self, fields: Mapping[str, str]) -> str:
        """Return the path that these fields make; those that are not given stay as written."""
        made = self.text
        if not fields.get("dir"):
            made = made.removeprefix("{dir}/")
        path = _FIELD.sub(lambda one: fields.get(one[1], one[0]), made)
        return posixpath.join(fields["dir"], path) if self.is_beside else path

    def _from(self, text: str, at: int, known: dict[str, str]) -> Iterator[dict[str, str]]:
        """Yield readings of what is left of a path, from the literal numbered `at` on."""
        literal = self._literals[at]
        if not text.startswith(literal):
            return
        rest = text[len(literal) :]
        if at == len(self._names):
            if not rest:
                yield dict(known)
            return
        name = self._names[at]
        for value, left in self._values(name, rest, self._literals[at + 1], at, known):
            yield from self._from(left, at + 1, {**known, name: value})

    def _values(
        self, name: str, text: str, following: str, at: int, known: Mapping[str, str]
    ) -> Iterator[tuple[str, str]]:
        """Yield what a field may be, and the text after it."""
        if name == "dir":
            yield "", text
            ends: Iterator[int] = (one.start() for one in re.finditer("/", text))
            yield from ((text[:end], text[end + 1 :]) for end in ends if end)
            return
        if name in known:
            if text.startswith(known[name]):
                yield known[name], text[len(known[name]) :]
            return
        limit = len(text)
        if name not in _WIDE:
            slash = text.find("/")
            limit = limit if slash < 0 else slash
        if at + 1 == len(self._names) and not following:
            if limit == len(text) and text:
                yield text, ""
            return
        end = text.find(following, 1)
        while 0 < end <= limit:
            yield text[:end], text[end:]
            end = text.find(following, end + 1)


def _listed(fields: tuple[str, ...]) -> str:
    return ", ".join(f"{{{one}}}" for one in fields)
