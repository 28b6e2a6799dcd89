"""What revisions mean in one store: from `dataset@version~2` to a version and a commit.

Only the command needs this; the API takes names and ids in arguments of their own. HEAD, the
version on which the command stands, completes what is not written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hyperstore.dataset.dataset import Dataset, DatasetVersion
from hyperstore.dataset.lookup import find_commits, find_dataset, find_versions, short_hint
from hyperstore.dataset.store import Store
from hyperstore.dataset.view import View
from hyperstore.errors import NotFoundError, UsageError
from hyperstore.history.ancestry import first_parent, parents
from hyperstore.history.branches import datasets, find_tag, head_ref
from hyperstore.history.resolve import Revision, Step, parse_revision
from hyperstore.ids import CommitId, ObjectId
from hyperstore.limits import NAME_BYTES_MAX

__all__ = ["HEAD_NAME", "Point", "head_version", "resolve", "resolve_version", "split_frame"]

HEAD_NAME = "HEAD"
_CURRENT = "Current"


@dataclass(frozen=True, slots=True)
class Point:
    """A version and a commit: what a revision leads to.

    `is_version` where the text names the version itself, which for a draft may hold more than its
    newest commit. `commit` is None before the first one. `note` says what had to be chosen.
    """

    dataset: Dataset
    version: DatasetVersion
    commit: str | None
    is_version: bool = False
    tag: str | None = None
    note: str = ""

    def view(self) -> View:
        """Return the frames: of a version as they are now, of a commit as it recorded them."""
        if self.is_version:
            return self.version.view()
        return self.version.at(self.commit_id())

    def commit_id(self) -> str:
        """Return the commit; NotFoundError where the version has none yet."""
        if self.commit is None:
            raise NotFoundError(f"version {self.version.name!a} has no commits yet; commit first")
        return self.commit


def head_version(store: Store) -> DatasetVersion:
    """Return the version on which the command stands; NotFoundError says how to get there."""
    version = store.head()
    if version is None:
        with store.handle.database.reading() as reader:
            names = [record.name for _, record in datasets(reader)]
        shown = ", ".join(ascii(name) for name in names[:5])
        how = f"switch to one of: {shown}" if names else "create one: hyperstore dataset create"
        raise NotFoundError(f"HEAD stands on no dataset; {how}")
    return version


def resolve(store: Store, text: str) -> Point:
    """Return what a revision leads to. NotFoundError and UsageError say which part does not."""
    given = f"{HEAD_NAME}{text[1:]}" if text == "@" or text.startswith(("@~", "@^")) else text
    try:
        revision = parse_revision(given)
        point = _start(store, revision)
    except (NotFoundError, UsageError):
        plain = _unquoted(store, text)
        if plain is None:
            raise
        return plain
    for step in revision.steps:
        point = _step(store, point, step)
    return point


def resolve_version(store: Store, text: str) -> DatasetVersion:
    """Return the version that a text names; UsageError where it leads to a commit only."""
    point = resolve(store, text)
    if not point.is_version:
        raise UsageError(
            f"{text!a} is a commit, not a version; make one there: hyperstore branch NAME {text}"
        )
    return point.version


def split_frame(text: str) -> tuple[str, str] | None:
    """Split `REVISION:FRAME` at the first colon outside quotes; None where there is none."""
    quoted = False
    for index, character in enumerate(text):
        if character == '"' and (index == 0 or text[index - 1] != "\\"):
            quoted = not quoted
        elif character == ":" and not quoted:
            return text[:index], text[index + 1 :]
    return None


def _start(store: Store, revision: Revision) -> Point:
    word = revision.at
    if revision.dataset is not None and word is not None:
        dataset = store.dataset(revision.dataset)
    elif revision.dataset is not None:
        if revision.dataset == HEAD_NAME:
            return replace(_of_version(store, head_version(store)), is_version=False)
        return _bare(store, revision.dataset)
    else:
        dataset = store.dataset(head_version(store).dataset_id)
    if word is None:
        return replace(_of_version(store, head_version(store)), is_version=False)
    found = _named(store, dataset, word)
    if found is None:
        raise NotFoundError(
            f"dataset {dataset.name!a} has no version, tag or commit {word!a}; {_known(dataset)}"
            f"{short_hint(word)}"
        )
    return found


def _bare(store: Store, word: str) -> Point:
    """Look a word up in HEAD's dataset, then among the datasets, then among all commits."""
    head = store.head()
    if head is not None:
        found = _named(store, store.dataset(head.dataset_id), word)
        if found is not None:
            return found
    with store.handle.database.reading() as reader:
        known = any(word in (record.name, record.id) for _, record in datasets(reader))
        if known:
            dataset = Dataset(store.handle, find_dataset(reader, word)[1].id)
    if known:
        return _of_dataset(store, dataset)
    commits = find_commits(store.handle, word)
    if len(commits) == 1:
        return _at_commit(store, commits[0])
    if commits:
        raise UsageError(f"{word} is short for {len(commits)} commits; give more digits")
    here = "" if head is None else f"; {_known(store.dataset(head.dataset_id))}"
    raise NotFoundError(f"{word!a} is no version, tag, commit or dataset{here}{short_hint(word)}")


def _named(store: Store, dataset: Dataset, word: str) -> Point | None:
    """Return the version, tag or commit of a dataset that is called `word`."""
    with store.handle.database.reading() as reader:
        versions = find_versions(reader, dataset.id, word)
        short = len(word.encode("utf-8", "replace")) <= NAME_BYTES_MAX
        tag = find_tag(reader, dataset.id, word) if short else None
    commits = [
        one
        for one in find_commits(store.handle, word)
        if store.handle.commit(one).dataset == dataset.id
    ]
    meanings = ["a version"] * bool(versions) + ["a tag"] * bool(tag) + ["a commit"] * bool(commits)
    note = ""
    if len(meanings) > 1:
        note = f"{word!a} names {' and '.join(meanings)}; {meanings[0]} was taken"
    if versions:
        if len(versions) > 1:
            newest = versions[0][1].id
            note = f"{len(versions)} versions are named {word!a}; the newest was taken, {newest}"
        return replace(_of_version(store, dataset.version(versions[0][1].id)), note=note)
    if tag is not None:
        commit = CommitId(ObjectId(tag.tag.commit))
        return replace(_at_commit(store, commit, dataset), tag=tag.tag.name, note=note)
    if len(commits) > 1:
        raise UsageError(f"{word} is short for {len(commits)} commits; give more digits")
    return _at_commit(store, commits[0], dataset) if commits else None


def _of_version(store: Store, version: DatasetVersion) -> Point:
    return Point(store.dataset(version.dataset_id), version, version.head, is_version=True)


def _of_dataset(store: Store, dataset: Dataset) -> Point:
    versions = dataset.versions()
    if not versions:
        raise NotFoundError(f"dataset {dataset.name!a} has no versions")
    named = [version for version in versions if version.name == _CURRENT]
    chosen = (named or versions)[-1]
    note = ""
    if len(versions) > 1:
        note = f"dataset {dataset.name!a} has {len(versions)} versions; {chosen.name!a} was taken"
    return replace(_of_version(store, chosen), note=note)


def _at_commit(store: Store, commit_id: CommitId, dataset: Dataset | None = None) -> Point:
    """Return a commit with the version where it was made, or another one if that is deleted."""
    commit = store.handle.commit(commit_id)
    home = store.dataset(commit.dataset) if dataset is None else dataset
    versions = home.versions()
    if not versions:
        raise NotFoundError(f"dataset {home.name!a} has no versions")
    made = [version for version in versions if version.id == commit.version]
    return Point(home, (made or versions)[-1], commit_id.hex())


def _step(store: Store, point: Point, step: Step) -> Point:
    if step.kind == "@":
        return _moves_ago(store, point, step.count)
    start = CommitId(ObjectId(bytes.fromhex(point.commit_id())))
    if step.kind == "~":
        end = first_parent(store.handle.commit, start, step.count)
    elif step.count == 0:
        end = start
    else:
        found = parents(store.handle.commit(start))
        if step.count > len(found):
            count = "1 parent" if len(found) == 1 else f"{len(found)} parents"
            raise NotFoundError(
                f"commit {start.hex()[:12]} has {count}, and so none at ^{step.count}"
            )
        end = found[step.count - 1]
    return Point(point.dataset, point.version, end.hex(), note=point.note)


def _moves_ago(store: Store, point: Point, count: int) -> Point:
    """Return where a version's head stood so many moves ago, by the operation log."""
    if point.commit != point.version.head:
        raise UsageError("@{n} counts the moves of a version; write it right after its name")
    values = head_moves(store, point.version)
    at = next((commit for number, commit in enumerate(values) if number == count), None)
    if at is None:
        raise NotFoundError(
            f"version {point.version.name!a} had no commit {count} moves ago; "
            "`hyperstore reflog` lists them"
        )
    return Point(point.dataset, point.version, at.hex(), note=point.note)


def head_moves(store: Store, version: DatasetVersion) -> Iterator[ObjectId | None]:
    """Yield where a version's head stood: now, one move ago, and so on."""
    name = head_ref(version.dataset_id, version.id)
    with store.handle.database.reading() as reader:
        yield reader.ref(name)
    for operation in store.operations():
        for move in reversed(operation.moves):
            if move.name == name:
                yield move.old


def _known(dataset: Dataset) -> str:
    names = list(dict.fromkeys(version.name for version in dataset.versions()))
    tags = list(dataset.commit_tags())
    return f"its versions: {_some(names)}" + (f"; its tags: {_some(tags)}" if tags else "")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(ascii, names[:5])) + more


def _unquoted(store: Store, text: str) -> Point | None:
    """Take a text whole that cannot be read as a revision: as names that should stand in quotes."""
    head = store.head()
    if head is not None:
        found = _named(store, store.dataset(head.dataset_id), text)
        if found is not None:
            return found
    name, at, word = text.partition("@")
    with store.handle.database.reading() as reader:
        if not at or not any(name == record.name for _, record in datasets(reader)):
            return None
    return _named(store, store.dataset(name), word)
