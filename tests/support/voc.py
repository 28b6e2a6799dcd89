"""Pascal VOC for tests: files read without ours, and a version that is a dict."""

from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree

from hyperstore.formats import voc
from hyperstore.formats.combine import combine
from hyperstore.formats.report import Report
from tests.support.coco import DictVersion

__all__ = ["Tree", "VocVersion", "tree_of"]

Tree: TypeAlias = "tuple[str, dict[str, str], str, list[Tree]]"
"""An element: its name, its attributes, its text without the spaces around it, its children."""


def tree_of(file: Path) -> Tree:
    """Return what a file holds, in the order of the file."""
    return _tree(ElementTree.parse(file).getroot())


def _tree(element: ElementTree.Element) -> Tree:
    texts = [element.text, *(child.tail for child in element)]
    text = "".join(text or "" for text in texts).strip()
    return element.tag, dict(element.attrib), text, [_tree(child) for child in element]


class VocVersion(DictVersion):
    """What a version does for VOC."""

    def read_voc(self, folder: Path, *, images: Path | None = None) -> Report:
        report = Report()
        for partial in voc.read(folder, images=images, report=report):
            self.put(combine(self.frames.get(partial.id), partial))
        legend = voc.legend_in([folder], report)
        if legend:
            self.meta = voc.combine_version(self.meta, legend)
        return report

    def write_voc(
        self,
        folder: Path,
        *,
        images: Path | None = None,
        legend: object = None,
        replace: bool = False,
    ) -> Report:
        return voc.write(
            self.sorted(), folder, fetch=str, images=images, legend=legend, replace=replace
        )
