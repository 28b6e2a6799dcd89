"""How frames changed since a revision: `added:REV`, `changed:REV` and `removed:REV` as sets.

Two trees are compared, which costs what differs between them. A frame is told by its id: it was
added if the revision has none of that id, changed if it has another frame under it. One that the
version no longer has is read as it was at the revision, and only a query that says `removed:`
looks at such frames at all: `removed:v1 OR label:dog` shows the dogs among them and all others that
were removed, `NOT removed:v1` the frames of the version.

A revision is a version, by its name or id, a tag, or a commit, of the dataset whose frames are
asked for, perhaps with `~n` and `^n` behind it. What a name means is settled once, before the
frames are read: `settled` puts ids in the place of names.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from pyroaring import BitMap

from hyperstore.codec import replace
from hyperstore.dataset.draft import Place, read_state
from hyperstore.dataset.edit import root
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.lookup import find_commits, find_versions
from hyperstore.dataset.view import View
from hyperstore.errors import NotFoundError, QueryError, UsageError, nearest
from hyperstore.history.ancestry import first_parent, parents
from hyperstore.history.branches import (
    RefReader,
    datasets,
    find_tag,
    read_commit,
    read_snapshot,
    tags,
    versions,
)
from hyperstore.history.commit import Snapshot
from hyperstore.history.resolve import Revision, parse_revision
from hyperstore.ids import CommitId, Kind, ObjectId, SnapshotId
from hyperstore.limits import ID_BYTES, NAME_BYTES_MAX
from hyperstore.query.index.objectnumbers import numbers_of
from hyperstore.query.language.condition import And, Condition, Leaf, Node, Not, Or, Since
from hyperstore.tree.diff import diff

__all__ = [
    "ADDED",
    "CHANGED",
    "REMOVED",
    "Revised",
    "commit_or_snapshot",
    "revisions_of",
    "settled",
    "since",
    "version_compared",
]

ADDED, CHANGED, REMOVED = "added", "changed", "removed"
_CHUNK = 4_096

Settle = Callable[[str, str], str]
"""The id, in hex digits, of what a revision of a dataset means: given the dataset's id and it."""


@dataclass(frozen=True, slots=True)
class Revised:
    """What the leaves of one condition come to in one version."""

    given: Mapping[Leaf, BitMap]
    removed: BitMap  # Frames that the version no longer has, and the condition looks at.


def since(handle: Handle, view: View, condition: Condition) -> Revised:
    """Return the sets for all leaves that compare `view` with a revision.

    Of frames that are stored; who asks holds them, the revisions as well as the view. QueryError
    names a revision that there is not.
    """
    given: dict[Leaf, BitMap] = {}
    removed = BitMap()
    sets: dict[str, dict[str, BitMap]] = {}
    for leaf in _leaves(condition.frame):
        assert isinstance(leaf.test, Since)
        revision = leaf.test.revision
        if revision not in sets:
            found = commit_or_snapshot(handle, view.home.dataset_id, revision)
            sets[revision] = _differing(handle, _snapshot(handle, found), view.snapshot)
        given[leaf] = sets[revision][leaf.field.path]
        if leaf.field.path == REMOVED:
            removed |= given[leaf]
    return Revised(given, removed)


def revisions_of(condition: Condition) -> list[str]:
    """Return the revisions that a condition names, each once."""
    found = (leaf.test for leaf in _leaves(condition.frame))
    return list(dict.fromkeys(test.revision for test in found if isinstance(test, Since)))


def settled(condition: Condition, dataset_id: str, settle: Settle) -> Condition:
    """Return the condition with ids of commits or snapshots in the place of names of revisions."""
    if not revisions_of(condition):
        return condition

    def walk(node: Node) -> Node:
        if isinstance(node, And | Or):
            return type(node)(tuple(map(walk, node.parts)))
        if isinstance(node, Not):
            return Not(walk(node.part))
        if isinstance(node.test, Since):
            return replace(node, test=Since(settle(dataset_id, node.test.revision)))
        return node

    return replace(condition, frame=walk(condition.frame))


def commit_or_snapshot(handle: Handle, dataset_id: str, text: str) -> ObjectId:
    """Return the commit that a revision of a dataset means.

    Of a draft with edits that no commit has it is the working snapshot; what is settled already is
    an id, and means itself. QueryError where there is nothing of that name.
    """
    try:
        return _resolved(handle, dataset_id, text)
    except (NotFoundError, UsageError) as error:
        raise QueryError(f"{error}") from None


def _resolved(handle: Handle, dataset_id: str, text: str) -> ObjectId:
    whole = _named(handle, dataset_id, text)  # Names may hold what else leads to ancestors.
    if whole is not None:
        return whole
    revision = parse_revision(text)
    word = revision.at if revision.dataset is None else revision.dataset
    found = None
    if word is not None and not _is_of_two(revision):
        found = _named(handle, dataset_id, word, commit=bool(revision.steps))
    if found is None:
        raise _unknown(handle, dataset_id, text)
    with handle.database.reading() as reader:
        if revision.steps and reader.kind_of(found) != Kind.COMMIT:
            raise NotFoundError(f"{word!a} has no commit yet, and so none before it")
    for step in revision.steps:
        if step.kind == "@":
            raise UsageError(f"{text!a} counts moves of a version, which no query can; name a tag")
        start = CommitId(found)
        above = parents(handle.commit(start))
        if step.kind == "~":
            found = first_parent(handle.commit, start, step.count)
        elif step.count > len(above):
            raise NotFoundError(f"commit {start.hex()[:12]} has no parent {step.count}")
        elif step.count:
            found = above[step.count - 1]
    return found


def version_compared(reader: RefReader, dataset_id: str, text: str) -> Place | None:
    """Return the version that a revision without steps means, if it means one."""
    for word in (text, parse_revision(text).at, parse_revision(text).dataset):
        known = find_versions(reader, dataset_id, word) if word else ()
        if known:
            return Place(dataset_id, known[0][1].id)
    return None


def _is_of_two(revision: Revision) -> bool:
    """Tell whether a revision says dataset and version: the dataset is known here."""
    return revision.dataset is not None and revision.at is not None


def _named(handle: Handle, dataset_id: str, word: str, *, commit: bool = False) -> ObjectId | None:
    """Return what is called `word` in a dataset: a version, a tag, a commit, in this order.

    With `commit` a draft is its newest commit, as where ancestors of it are counted.
    """
    settled_id = _settled_id(handle, word)
    if settled_id is not None:
        return settled_id
    with handle.database.reading() as reader:
        known = find_versions(reader, dataset_id, word)
        short = 0 < len(word.encode("utf-8", "replace")) <= NAME_BYTES_MAX
        tag = find_tag(reader, dataset_id, word) if short else None
        if known:
            state = read_state(reader, Place(dataset_id, known[0][1].id))
            if state.working is None or (commit and state.head is not None):
                assert state.head is not None
                return state.head
            head = None if state.head is None else read_commit(reader, state.head)
            is_head = head is not None and head.snapshot == state.working
            return state.head if is_head else state.working
    if tag is not None:
        return ObjectId(tag.tag.commit)
    commits = [
        one for one in find_commits(handle, word) if handle.commit(one).dataset == dataset_id
    ]
    if len(commits) > 1:
        raise UsageError(f"{word} is short for {len(commits)} commits; give more digits")
    return commits[0] if commits else None


def _settled_id(handle: Handle, word: str) -> ObjectId | None:
    """Return the commit or snapshot of a whole id: of another dataset too, as it was settled."""
    if len(word) != 2 * ID_BYTES or word.strip("0123456789abcdef"):
        return None
    found = ObjectId(bytes.fromhex(word))
    with handle.database.reading() as reader:
        is_one = reader.has(found) and reader.kind_of(found) in (Kind.COMMIT, Kind.SNAPSHOT)
    return found if is_one else None


def _unknown(handle: Handle, dataset_id: str, text: str) -> NotFoundError:
    with handle.database.reading() as reader:
        dataset = next((one.name for _, one in datasets(reader) if one.id == dataset_id), "")
        names = [one.tag.name for one in tags(reader, dataset_id)]
        names += [record.name for _, record in versions(reader, dataset_id)]
    known = f"there are: {nearest(text, list(dict.fromkeys(names)))}" if names else "there are none"
    return NotFoundError(
        f"dataset {dataset!a} has no version, tag or commit {text!a} to compare with; {known}"
    )


def _snapshot(handle: Handle, found: ObjectId) -> Snapshot:
    with handle.database.reading() as reader:
        if reader.kind_of(found) == Kind.COMMIT:
            found = ObjectId(read_commit(reader, CommitId(found)).snapshot)
        return read_snapshot(reader, SnapshotId(found))


def _differing(handle: Handle, old: Snapshot, new: Snapshot) -> dict[str, BitMap]:
    sets = {ADDED: BitMap(), CHANGED: BitMap(), REMOVED: BitMap()}
    changes = diff(handle.staging().nodes, root(old, "frames"), root(new, "frames"))
    while chunk := list(islice(changes, _CHUNK)):
        came = [(one.new, one.old is None) for one in chunk if one.new is not None]
        for path, is_new in ((ADDED, True), (CHANGED, False)):
            _add(handle, sets[path], (one for one, added in came if added is is_new))
        _add(handle, sets[REMOVED], (one.old for one in chunk if one.new is None))
    return sets


def _add(handle: Handle, held: BitMap, ids: Iterable[bytes | None]) -> None:
    held.update(numbers_of(handle, [ObjectId(one) for one in ids if one is not None]))


def _leaves(node: Node) -> Iterator[Leaf]:
    """Yield the leaves that compare with a revision."""
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, And | Or):
            pending += one.parts
        elif isinstance(one, Not):
            pending.append(one.part)
        elif isinstance(one.test, Since):
            yield one
