"""DuckDB over columns derived for it: a table of frames, one of ROIs, one of sources."""

from pathlib import Path

from querydata import Question

from querying.duckdbtables import DuckTables

__all__ = ["Contender"]

_DERIVE = (
    "CREATE TABLE nested AS SELECT row_number() OVER () AS place, * FROM reader",
    "CREATE TABLE frames AS SELECT place, id, meta.* FROM nested",
    "CREATE TABLE rois AS SELECT place, unnest(roi.label) AS label, roi.confidence AS confidence "
    "FROM (SELECT place, unnest(rois) AS roi FROM nested)",
    "CREATE TABLE sources AS SELECT place, source.uri AS uri "
    "FROM (SELECT place, unnest(sources) AS source FROM nested)",
    "DROP TABLE nested",
)


def _where(question: Question) -> str:
    value = question.value.replace("'", "''")
    return {
        "roi": "place IN (SELECT place FROM rois "
        f"WHERE label = '{value}' AND confidence > {question.low})",
        "label": f"place IN (SELECT place FROM rois WHERE label = '{value}')",
        "term": f"city = '{value}'",
        "range": f"speed >= {question.low} AND speed < {question.high}",
        "exists": f"{value} IS NOT NULL",
        "wildcard": f"place IN (SELECT place FROM sources WHERE uri GLOB '{value}')",
    }[question.kind]


class Contender(DuckTables):
    """Three flat tables."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "columns.duckdb", _DERIVE, _where)
