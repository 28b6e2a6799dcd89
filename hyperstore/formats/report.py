"""What a reader or a writer counted, and what it has to say: no oddity passes in silence."""

from dataclasses import dataclass, field

__all__ = ["Note", "Report"]


@dataclass(slots=True)
class Note:
    """One kind of oddity: how often, and where it was met first."""

    count: int = 0
    first: str = ""


@dataclass(slots=True)
class Report:
    """Counts of what there is (`images`, `annotations`, ...) and notes of what is odd."""

    counts: dict[str, int] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def note(self, what: str, place: str = "", number: int = 1) -> None:
        note = self.notes.setdefault(what, Note())
        note.count += number
        note.first = note.first or place

    def lines(self) -> list[str]:
        """Return one sentence an oddity, for a person to read."""
        return [
            f"{note.count} x {what}" + (f" (first: {note.first})" if note.first else "")
            for what, note in self.notes.items()
        ]
