"""DuckDB over frames with nested ROIs, as it imports them."""

from pathlib import Path

from querydata import Question

from querying.duckdbtables import DuckTables

__all__ = ["Contender"]

_MAKE = ("CREATE TABLE frames AS SELECT row_number() OVER () AS place, * FROM reader",)


def _where(question: Question) -> str:
    value = question.value.replace("'", "''")
    return {
        "roi": "len(list_filter(rois, lambda roi: list_contains(roi.label, "
        f"'{value}') AND roi.confidence > {question.low})) > 0",
        "label": f"len(list_filter(rois, lambda roi: list_contains(roi.label, '{value}'))) > 0",
        "term": f"meta.city = '{value}'",
        "range": f"meta.speed >= {question.low} AND meta.speed < {question.high}",
        "exists": f"meta.{value} IS NOT NULL",
        "wildcard": f"len(list_filter(sources, lambda source: source.uri GLOB '{value}')) > 0",
    }[question.kind]


class Contender(DuckTables):
    """One table."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "frames.duckdb", _MAKE, _where)
