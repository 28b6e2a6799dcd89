"""How a version stands, with the documented calls: names, labels, states, times, its record."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hyperstore.codec import replace
from hyperstore.dataset import lifecycle, publishing
from hyperstore.dataset.arguments import documented
from hyperstore.dataset.contents import OVERRIDDEN, VersionContents
from hyperstore.dataset.founding import read_dataset
from hyperstore.dataset.lastchange import saved_since
from hyperstore.dataset.lookup import commit_log
from hyperstore.dataset.statistics import Stats, checked_stats
from hyperstore.errors import PublishedError
from hyperstore.history.commit import Count, VersionRecord
from hyperstore.history.names import check_names

__all__ = ["VersionStates", "iso_time"]

_NONE = Count()


class VersionStates(VersionContents):
    """A version with the calls on how it stands."""

    # What it is called.

    @property
    def version_id(self) -> str:
        """32 hex digits; kept when the version is renamed or published."""
        return self._place.version

    @property
    def version_name(self) -> str:
        """Its name now, which another version may share after a rename."""
        return self.name

    @property
    def dataset_name(self) -> str:
        """The name of its dataset now."""
        with self._handle.database.reading() as reader:
            return read_dataset(reader, self._place.dataset)[1].name

    @property
    def comment(self) -> str:
        """What it is in words."""
        return self.record.comment

    @property
    def description(self) -> str:
        """What it is in words."""
        return self.record.comment

    @property
    def tags(self) -> list[str]:
        """Its labels now; a copy."""
        return list(self.record.tags)

    @property
    def draft(self) -> bool:
        """Whether it may be written to."""
        return not self.published

    def get_parent(self) -> str:
        """Return the id of the version that it began from; empty where there was none."""
        return self.record.parent

    def set_version_name(self, name: str) -> bool:
        """Give it another name; its id stays."""
        self.rename(name)
        return True

    def set_tags(self, tags: Sequence[str]) -> None:
        """Replace its labels."""
        checked = check_names(tags, what="tag")
        self._change("tag version", lambda record: replace(record, tags=checked))

    def add_tags(self, tags: Sequence[str]) -> None:
        """Give it more labels."""
        more = check_names(tags, what="tag")

        def change(record: VersionRecord) -> VersionRecord:
            return replace(record, tags=list(dict.fromkeys([*record.tags, *more])))

        self._change("tag version", change)

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Take labels from it; those that it has not are passed over."""
        gone = frozenset(check_names(tags, what="tag"))

        def change(record: VersionRecord) -> VersionRecord:
            return replace(record, tags=[one for one in record.tags if one not in gone])

        self._change("untag version", change)

    # From draft to published.

    @documented
    def commit_version(
        self,
        publish: bool = False,
        force: bool = False,
        calculate_stats: bool = True,
        override_stats: Stats | None = None,
        publishing_task: str | None = None,
        *,
        message: str | None = None,
    ) -> dict[str, object]:
        """Record what is pending; return the counts of frames that changed. Nothing is fine too.

        What the bulk context gathered is written first; `errors` are its failures.

        With `publish` the version is frozen as well. `override_stats` are what `get_stats` answers
        until the frames change.
        """
        failures = self._settled()
        self._editor.refuse_batch("commit")
        given = None if override_stats is None else checked_stats(override_stats)
        counts = self.status().changes.frames
        text = message or f"Commit {self.name}"
        if lifecycle.commit(self._handle, self._place, text, even_empty=False) is None:
            self._state().writable()
        if given is not None:
            said = {OVERRIDDEN: {"content": self.content_id, "stats": given}}
            self._change(
                "set statistics", lambda record: replace(record, extra=record.extra | said)
            )
        if publish:
            self.publish_version()
        saved = counts.added + counts.changed
        return {
            "merged": saved,
            "saved_and_updated": saved,
            "deleted": counts.removed,
            "failed": len(failures),
            "total": len(self),
            "errors": failures,
            "parent": self.get_parent(),
            "version": self._place.version,
            "dataset": self._place.dataset,
        }

    def publish_version(self) -> bool:
        """Freeze the version, with what is pending committed first; False where it was frozen."""
        self._settled()
        self._editor.refuse_batch("publish")
        try:
            publishing.publish(self._handle, self._place, None)
        except PublishedError:
            return False
        return True

    # Its times, and its record.

    @property
    def last_updated(self) -> datetime | None:
        """When a frame of it changed last, UTC; None where it never held any."""
        time_ms = self._frames_updated()
        return None if time_ms is None else datetime.fromtimestamp(time_ms / 1000, UTC)

    def _frames_updated(self) -> int | None:
        state = self._state()
        if state.working is not None and self.status().changes.frames != _NONE:
            pending = (
                time_ms for time_ms, changed in saved_since(self._handle, self._place) if changed
            )
            return next(pending, None)
        for one in commit_log(self._handle, state.head):
            if one.changes.frames != _NONE:
                return one.time
        return None

    def to_dict(self) -> dict[str, object]:
        """Return the version's record, its times as ISO 8601, UTC."""
        record, status = self.record, self.status()
        newest = next(commit_log(self._handle, self._state().head), None)
        committed = None if newest is None else iso_time(newest.time)
        return {
            "id": record.id,
            "name": record.name,
            "comment": record.comment,
            "created": iso_time(record.created),
            "committed": committed,
            "published": iso_time(record.published) if record.published else None,
            "last_frames_update": iso_time(self._frames_updated()),
            "committed_frames_ts": committed,
            "committed_rois_ts": committed,
            "parent": record.parent or None,
            "task": record.task or None,
            "user": None if newest is None else newest.author,
            "tags": list(record.tags),
            "system_tags": list(record.system_tags),
            "metadata": self.get_metadata(),
            "stats": self.get_stats(),
            "status": status.state,
            "es_index": None,
        }


def iso_time(time_ms: int | None) -> str | None:
    """Return a time in milliseconds since 1970 as ISO 8601, UTC."""
    return None if time_ms is None else datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()
