"""Finding commits, versions and datasets by what people and programs call them."""

from collections.abc import Iterator, Sequence

from hyperstore.codec import Struct
from hyperstore.dataset.arguments import nearest
from hyperstore.dataset.handle import Handle
from hyperstore.errors import NotFoundError, UsageError, a_type
from hyperstore.history.ancestry import walk
from hyperstore.history.branches import RefReader, datasets, versions
from hyperstore.history.commit import Changes, Commit, DatasetRecord, VersionRecord
from hyperstore.ids import CommitId, Kind, ObjectId
from hyperstore.limits import ID_BYTES, ID_PREFIX_DIGITS_MIN

__all__ = [
    "CommitInfo",
    "commit_id_of",
    "commit_info",
    "commit_log",
    "find_commits",
    "find_dataset",
    "find_versions",
    "no_version",
    "short_hint",
    "there_are",
]

_DIGITS = frozenset("0123456789abcdef")
_SHOWN_MAX = 5
_HINTED_MIN = 4  # Fewer digits are hardly meant as an id.


class CommitInfo(Struct, frozen=True):
    """One commit as `log` shows it; `time` is in milliseconds since 1970, UTC."""

    id: str
    message: str
    author: str
    time: int
    parents: tuple[str, ...]
    changes: Changes
    dataset_id: str
    version_id: str


def commit_info(commit_id: CommitId, commit: Commit) -> CommitInfo:
    """Return a commit as users see it."""
    return CommitInfo(
        id=commit_id.hex(),
        message=commit.message,
        author=commit.author,
        time=commit.time,
        parents=tuple(parent.hex() for parent in commit.parents),
        changes=commit.changes,
        dataset_id=commit.dataset,
        version_id=commit.version,
    )


def commit_log(handle: Handle, head: CommitId | None) -> Iterator[CommitInfo]:
    """Yield the commits that lead to a head, newest first; lazily."""
    for commit_id, commit in walk(handle.commit, [] if head is None else [head]):
        yield commit_info(commit_id, commit)


def find_commits(handle: Handle, digits: str) -> list[CommitId]:
    """Return the commits whose ids begin with these hex digits; none where they are no digits."""
    if not ID_PREFIX_DIGITS_MIN <= len(digits) <= 2 * ID_BYTES or not _DIGITS.issuperset(digits):
        return []
    with handle.database.reading() as reader:
        found = reader.find(digits)
        return [CommitId(one) for one in found if reader.kind_of(one) == Kind.COMMIT]


def short_hint(word: str) -> str:
    """Return what to say of a word that may be the start of a commit's id, but too short."""
    if not _DIGITS.issuperset(word) or not _HINTED_MIN <= len(word) < ID_PREFIX_DIGITS_MIN:
        return ""
    return f"; of a commit's id give {ID_PREFIX_DIGITS_MIN} digits or more"


def commit_id_of(handle: Handle, digits: str) -> CommitId:
    """Return the one commit whose id begins with these digits.

    NotFoundError where there is none, UsageError where there are several or too few digits.
    """
    if not isinstance(digits, str):
        raise UsageError(f"a commit is given by its id, a str, not by {a_type(digits)}")
    if len(digits) < ID_PREFIX_DIGITS_MIN or not _DIGITS.issuperset(digits):
        raise UsageError(
            f"{digits!a} is no commit id: those are hex digits, of which the first "
            f"{ID_PREFIX_DIGITS_MIN} or more may be given"
        )
    found = find_commits(handle, digits)
    if not found:
        raise NotFoundError(f"no commit {digits}; `log` lists the commits of a version")
    if len(found) > 1:
        shown = ", ".join(one.hex()[:16] for one in found[:_SHOWN_MAX])
        raise UsageError(f"{digits} is short for several commits: {shown}; give more digits")
    return found[0]


def find_dataset(
    reader: RefReader, name: str, project: str | None = None
) -> tuple[ObjectId, DatasetRecord]:
    """Return the dataset of that name, or of that id where no name fits.

    Where several projects have the name, `project` must say which.
    """
    known = datasets(reader)
    found = [one for one in known if one[1].name == name and project in (None, one[1].project)] or [
        one for one in known if one[1].id == name
    ]
    if not found:
        names = sorted({record.name for _, record in known})
        raise NotFoundError(f"no dataset {name!a}; {there_are(names, 'datasets', name)}")
    if len(found) > 1:
        projects = ", ".join(ascii(record.project) for _, record in found)
        raise UsageError(f"several projects have a dataset {name!a}: {projects}; name the project")
    return found[0]


def find_versions(
    reader: RefReader, dataset_id: str, name: str
) -> Sequence[tuple[ObjectId, VersionRecord]]:
    """Return the versions of that name, newest first, or the one of that id; perhaps none."""
    known = versions(reader, dataset_id)
    named = [one for one in reversed(known) if one[1].name == name]
    return named or [one for one in known if one[1].id == name]


def no_version(reader: RefReader, dataset_id: str, name: str) -> NotFoundError:
    """Return the error that says which versions there are instead."""
    names = sorted({record.name for _, record in versions(reader, dataset_id)})
    return NotFoundError(f"no version {name!a}; {there_are(names, 'versions', name)}")


def there_are(names: list[str], what: str, asked: str) -> str:
    """Return which names there are instead of the one asked for, the nearest first."""
    if not names:
        return f"there are no {what} yet"
    more = f" and {len(names) - _SHOWN_MAX} more" if len(names) > _SHOWN_MAX else ""
    return f"there are: {nearest(asked, names, _SHOWN_MAX)}{more}"
