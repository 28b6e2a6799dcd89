"""What frames name of the kept files, for fsck: is each there, with the bytes of its name?"""

from pathlib import Path

from hyperstore.errors import HyperstoreError
from hyperstore.frames.records import read_keys
from hyperstore.ids import ObjectId
from hyperstore.maintenance.findings import Findings
from hyperstore.maintenance.report import Progress
from hyperstore.media.kept import KeptMedia, kept_in
from hyperstore.media.rawfile import raw_file

__all__ = ["KeptCheck"]


class KeptCheck:
    """Gathers the kept files that frames name, then looks at them."""

    def __init__(self) -> None:
        self._users: dict[str, str] = {}  # With the first frame that names each.

    def take(self, number: int, oid: ObjectId, payload: bytes) -> None:
        """Take in a frame."""
        for digest in kept_in(payload):
            if digest not in self._users:
                frame_id = read_keys(payload, what=f"frame object {oid.hex()}").id
                self._users[digest] = f"frame {frame_id!a}"

    def check(self, findings: Findings, store: Path, progress: Progress | None) -> None:
        """Hash every file that was named."""
        media = KeptMedia(store)
        for at, (digest, user) in enumerate(sorted(self._users.items())):
            findings.look_at_clock()
            if progress is not None:
                progress("kept files", at, len(self._users))
            path = media.path(digest)
            place = f"media:{digest}"
            if path.is_symlink() or not path.is_file():
                message = f"{place} is not in {media.folder}"
                findings.add("missing-media", place, message, lost=user)
                continue
            try:
                with raw_file(path) as raw:
                    found = raw.hash()
            except HyperstoreError as error:
                findings.add("damaged-media", place, f"{error}", lost=user)
                continue
            if found != digest:
                message = f"{path} has other bytes than were kept"
                findings.add("damaged-media", place, message, lost=user)
        findings.counts["kept"] += len(self._users)
