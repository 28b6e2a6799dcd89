"""A SingleFrame as people look at it: drawn, its masks read as labels, shown in a notebook."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, TypedDict

from hyperstore.errors import HyperstoreError, NotFoundError, nearest
from hyperstore.frames.annotated import Annotated
from hyperstore.frames.annotation import Annotation, Mask
from hyperstore.frames.derive import moment_of
from hyperstore.frames.legend import labels_in, legend_of
from hyperstore.frames.notebook import Card, facts_table, page
from hyperstore.frames.owner import version_metadata
from hyperstore.limits import (
    GLANCE_NUMBERS_MAX,
    GLANCE_PIXELS_MAX,
    GLANCE_ROIS_MAX,
    GLANCE_ROWS_MAX,
    GLANCE_SHARES_MAX,
)
from hyperstore.media.settings import media_settings

if TYPE_CHECKING:  # Pillow is loaded where a picture is opened, not before.
    from hyperstore.media.draw import Picture
    from hyperstore.media.glance import Glance
    from hyperstore.media.masks import Legend, MaskLabelling, MaskPicture

__all__ = ["Drawing", "Shown"]

_LABELS = "mask_labels"


class Drawing(TypedDict, total=False):
    """The arguments of `draw`."""

    labels: bool
    masks: bool
    alpha: str | None
    confidence_min: float
    fill: float
    mask_opacity: float
    line: int | None
    colours: Mapping[str, tuple[int, int, int]] | None


class Shown(Annotated):
    """The part of a SingleFrame that opens its pictures."""

    __slots__ = ()

    def draw(
        self,
        *,
        labels: bool = True,
        masks: bool = True,
        alpha: str | None = None,
        confidence_min: float = 0.0,
        fill: float = 0.15,
        mask_opacity: float = 0.5,
        line: int | None = None,
        colours: Mapping[str, tuple[int, int, int]] | None = None,
    ) -> "Picture":
        """Return the source as a Pillow image in RGB, with ROIs, labels and masks over it.

        A video is shown at the frame's timestamp. `alpha` is the id of a mask whose colours say how
        much of the source is seen. Shapes surer than `confidence_min`, and those that do not say,
        have the colour in `colours` of their first label, else one that follows from its name;
        `fill` and `mask_opacity` are opacities from 0 to 1, `line` pixels. Errors are those of
        `get_local_source`, or say why what is there cannot be shown.
        """
        from hyperstore.media.draw import Manner, draw_frame

        manner = Manner(
            labels=labels,
            confidence_min=confidence_min,
            fill=fill,
            mask_opacity=mask_opacity,
            line=line,
            colours=colours,
        )
        source = self._record.sources[0]
        drawn = {} if not masks else {one.id: one.uri for one in source.masks or ()}
        drawn.pop(alpha or "", None)
        said: object = {}
        with suppress(NotFoundError):  # What colours mean is not known where the store is not.
            said = self._mask_labels() if drawn else {}
        return draw_frame(
            self,
            source=self._need(source.uri, "source"),
            moment_ms=self._moment(),
            masks={one: self._need(uri, f"mask {one!a}") for one, uri in drawn.items()},
            legends={one: self._legend(one, said) for one in drawn},
            alpha=None if alpha is None else self._mask_path(alpha),
            manner=manner,
            pixels_max=self._pixels_max(),
        )

    def get_mask_labels(self, mask_id: str | None = None) -> "MaskLabelling":
        """Return what one mask shows, of the first one by default: pixels of each label.

        What colours mean is said by the mask labels of the frame's version, and where these are
        silent by the frame's own Mask annotations; `unknown` has the colours of which neither
        speaks. FrameError where the mask has another size than its image.
        """
        found = self._mask_id(mask_id)
        return self._read_mask(found).labels(self._legend(found, self._mask_labels()))

    def get_label_mask(self, label: str, mask_id: str | None = None) -> memoryview:
        """Return the pixels of a mask that show a label: rows of 0 and 1, one byte a pixel.

        NotFoundError for a label that neither the version's mask labels nor the frame's ROIs have.
        """
        found, said = self._mask_id(mask_id), self._mask_labels()
        legend = self._legend(found, said)
        known = {name: None for names in legend.values() for name in names}
        if label not in known:  # It may be one of another mask, or of shapes.
            known |= dict.fromkeys(labels_in(said))
            known |= {name: None for one in self.annotations for name in one.labels}
        if label not in known:
            close = f"the closest known: {nearest(str(label), list(known))}" if known else "none is"
            raise NotFoundError(
                f"neither the version nor the frame has a mask label {label!a:.100}; {close}"
            )
        return self._read_mask(found).label_pixels(legend, label)

    def get_mask_opacity(self, mask_id: str | None = None) -> memoryview:
        """Return an alpha mask as rows of opacities: 0 hides a pixel of the image, 255 shows it."""
        from hyperstore.media.masks import opacity_of

        return opacity_of(self._read_mask(self._mask_id(mask_id)))

    def _mask_id(self, mask_id: str | None) -> str:
        known = [mask.id for mask in self._record.sources[0].masks or ()]
        if mask_id is None and known:
            return known[0]
        if mask_id not in known:
            asked = "mask" if mask_id is None else f"mask {mask_id!a}"
            raise NotFoundError(f"the frame has no {asked}; it has {known}")
        return mask_id

    def _mask_path(self, mask_id: str) -> str:
        found = self._mask_id(mask_id)
        masks = {mask.id: mask.uri for mask in self._record.sources[0].masks or ()}
        return self._need(masks[found], f"mask {found!a}")

    def _read_mask(self, mask_id: str) -> "MaskPicture":
        from hyperstore.media.glance import size_at_hand
        from hyperstore.media.masks import read_mask

        source, home = self._record.sources[0], self._home
        size = (source.width, source.height) if source.width and source.height else None
        if size is None and self._moment() is None:
            size = size_at_hand(
                source.uri,
                store=None if home is None else home.store,
                foreign=home is not None and home.foreign,
            )
        return read_mask(self._mask_path(mask_id), size=size, pixels_max=self._pixels_max())

    def _mask_labels(self) -> object:
        """Return what the frame's version says of its masks."""
        return version_metadata(self._home).get(_LABELS, {})

    def _legend(self, mask_id: str, said: object) -> "Legend":
        legend: dict[tuple[int, ...], tuple[str, ...]] = {}
        first = next((mask.id for mask in self._record.sources[0].masks or ()), None)
        for one in self.annotations:
            if not isinstance(one, Mask) or (one.mask_id or first) != mask_id:
                continue
            value = one.mask_rgb
            if value and all(float(number).is_integer() for number in value):
                colour = tuple(map(int, value))
                legend[colour] = (*legend.get(colour, ()), *one.labels)
        return legend | legend_of(said, mask_id)

    def _moment(self) -> int | None:
        """Return the moment at which the source is looked at; None where it is no video."""
        from hyperstore.media.video import is_video

        source = self._record.sources[0]
        video = is_video(source.uri, source.content_type)
        return max(0, moment_of(source.timestamp) or 0) if video else None

    def _pixels_max(self) -> int:
        return media_settings(None if self._home is None else self._home.store).pixels_max

    def _repr_html_(self) -> str:
        """Return the frame as a notebook shows it; asks nothing of the network."""
        record, source = self._record, self._record.sources[0]
        facts: list[tuple[str, object]] = [
            ("source", self.source),
            ("size", None if source.width is None else f"{source.width} x {source.height}"),
            ("context", record.context_id),
            ("timestamp", source.timestamp if record.timestamp is None else record.timestamp),
            ("version", None if self._home is None else self._home.describe()),
            ("masks", list(self.masks_source) or None),
            ("metadata", record.meta or None),
        ]
        card, rows = self._card("")
        said = [(name, value) for name, value in facts if value is not None]
        return page(repr(self), [card], [facts_table(said), facts_table(rows)])

    def _card(self, title: str, share: int = 1) -> tuple[Card, list[tuple[object, ...]]]:
        """Return the frame's picture with its ROIs, and a row of text for each of the first.

        It is one of `share` pictures, which together take a moment.
        """
        rows: list[tuple[object, ...]] = []
        notes: list[str] = []
        picture = None
        try:
            known = self.annotations
            rows += [
                (type(one).__name__, ", ".join(one.labels), one.confidence)
                for one in known[:GLANCE_ROWS_MAX]
            ]
            if len(known) > len(rows):
                rows.append((f"and {len(known) - len(rows)} more", "", None))
            few = _few(known, share)
            if len(few) < len(known):
                notes.append(f"{len(few)} of {len(known)} annotations are drawn")
            picture = self._glance(few, notes, share)
        except Exception as error:  # noqa: BLE001 - whatever a user set, what is known is shown.
            notes.append(str(error))
        return Card(title, picture, notes), rows

    def _glance(self, few: list[Annotation], notes: list[str], share: int) -> "Glance | None":
        """Return the preview, else the source, else empty ground; note why it is not the first."""
        from hyperstore.media.glance import blank, glance, size_at_hand

        source, home = self._record.sources[0], self._home
        store, foreign = (None, False) if home is None else (home.store, home.foreign)
        stated = (source.width, source.height) if source.width and source.height else None
        pictures = [(source.uri, self._moment(), stated)] if source.uri else []
        if source.preview is not None:
            full = stated or size_at_hand(source.uri, store=store, foreign=foreign)
            pictures.insert(0, (source.preview.uri, self._preview_moment(), full))
        for uri, moment, size in pictures:
            try:
                return glance(
                    uri,
                    few,
                    store=store,
                    foreign=foreign,
                    size=size,
                    moment_ms=moment,
                    pixels_max=GLANCE_PIXELS_MAX // min(share, GLANCE_SHARES_MAX),
                )
            except HyperstoreError as error:
                notes.append(str(error))
        return None if stated is None else blank(few, size=stated)

    def _preview_moment(self) -> int | None:
        from hyperstore.media.video import is_video

        preview = self._record.sources[0].preview
        if preview is None or not is_video(preview.uri, preview.content_type):
            return None
        return max(0, moment_of(preview.timestamp) or 0)


def _few(annotations: Iterable[Annotation], share: int) -> list[Annotation]:
    """Return as many of the first annotations as are drawn in a moment."""
    found: list[Annotation] = []
    numbers = 0
    for one in annotations:
        numbers += len(one._roi.poly or ())
        if len(found) == GLANCE_ROIS_MAX // share or numbers > GLANCE_NUMBERS_MAX // share:
            break
        found.append(one)
    return found
