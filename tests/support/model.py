"""The store as dicts: what each operation of the native API must lead to, told the slow way.

A `State` never changes; operations return the next one. An operation is a tuple of plain values,
so that one list of them can drive the model, a store, and a store in another process. Commits are
named by their messages, which are unique in a run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.store import Store
from hyperstore.dataset.view import View
from hyperstore.maintenance.collect import gc

__all__ = [
    "Commit",
    "Content",
    "DatasetState",
    "Operation",
    "Portrait",
    "State",
    "VersionState",
    "Wire",
    "apply",
    "changes",
    "commit_named",
    "do",
    "essence",
    "portrait",
    "portrait_of",
]

Wire = dict[str, object]
Operation = tuple[Any, ...]
"""A verb and what it takes; see `apply`."""

Portrait = dict[str, object]


@dataclass(frozen=True)
class Content:
    """What a snapshot holds."""

    frames: Mapping[str, Wire] = field(default_factory=dict)
    meta: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Commit:
    """A recorded content."""

    message: str
    content: Content
    parent: "Commit | None"

    def log(self) -> "Iterator[Commit]":
        """Yield this commit and those before it, newest first."""
        found: Commit | None = self
        while found is not None:
            yield found
            found = found.parent


@dataclass(frozen=True)
class VersionState:
    """A version; published once it has no working content."""

    head: Commit | None = None
    working: Content | None = field(default_factory=Content)

    def content(self) -> Content:
        """Return what a reader sees."""
        if self.working is not None:
            return self.working
        assert self.head is not None
        return self.head.content

    def committed(self) -> Content:
        """Return what the head holds."""
        return Content() if self.head is None else self.head.content


@dataclass(frozen=True)
class DatasetState:
    """A dataset; tags name commits."""

    versions: Mapping[str, VersionState]
    tags: Mapping[str, Commit] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """All datasets by name, and the state before each operation that can be undone."""

    datasets: Mapping[str, DatasetState] = field(default_factory=dict)
    before: "State | None" = None

    def version(self, dataset: str, name: str) -> VersionState:
        """Return one version."""
        return self.datasets[dataset].versions[name]

    def commits(self, dataset: str) -> dict[str, Commit]:
        """Return the commits that the versions and tags of a dataset lead to, by message."""
        held = self.datasets[dataset]
        heads = [one.head for one in held.versions.values()] + list(held.tags.values())
        return {each.message: each for head in heads if head for each in head.log()}


def apply(state: State, operation: Operation) -> State:
    """Return the state after an operation; the same where it changes nothing."""
    verb, *given = operation
    new = _VERBS[str(verb)](state, *given)
    if verb == "undo" or new.datasets == state.datasets:
        return new if verb == "undo" else state
    return replace(new, before=state)


def _with(state: State, dataset: str, held: DatasetState | None) -> State:
    others = {name: one for name, one in state.datasets.items() if name != dataset}
    return replace(state, datasets=others if held is None else {**state.datasets, dataset: held})


def _put(state: State, dataset: str, name: str, version: VersionState | None) -> State:
    held = state.datasets[dataset]
    others = {each: one for each, one in held.versions.items() if each != name}
    versions = others if version is None else {**held.versions, name: version}
    return _with(state, dataset, replace(held, versions=versions))


def _edit(state: State, dataset: str, name: str, content: Content) -> State:
    return _put(state, dataset, name, replace(state.version(dataset, name), working=content))


def _draft(state: State, dataset: str, name: str) -> Content:
    working = state.version(dataset, name).working
    assert working is not None
    return working


def _create_dataset(state: State, dataset: str) -> State:
    return _with(state, dataset, DatasetState({"Current": VersionState()}))


def _create_version(state: State, dataset: str, name: str, message: str | None) -> State:
    commit = None if message is None else state.commits(dataset)[message]
    content = Content() if commit is None else commit.content
    return _put(state, dataset, name, VersionState(commit, content))


def _add(state: State, dataset: str, name: str, frames: list[Wire]) -> State:
    held = _draft(state, dataset, name)
    new = {str(frame["id"]): frame for frame in frames}
    return _edit(state, dataset, name, replace(held, frames={**held.frames, **new}))


def _delete(state: State, dataset: str, name: str, ids: list[str]) -> State:
    held = _draft(state, dataset, name)
    kept = {each: frame for each, frame in held.frames.items() if each not in ids}
    return _edit(state, dataset, name, replace(held, frames=kept))


def _set_metadata(state: State, dataset: str, name: str, meta: dict[str, object]) -> State:
    return _edit(state, dataset, name, replace(_draft(state, dataset, name), meta=meta))


def _batch(state: State, dataset: str, name: str, edits: list[Operation]) -> State:
    for verb, *rest in edits:
        state = _VERBS[str(verb)](state, dataset, name, *rest)
    return state


def _commit(state: State, dataset: str, name: str, message: str) -> State:
    held = state.version(dataset, name)
    if held.working == held.committed():
        return state
    assert held.working is not None
    made = Commit(message, held.working, held.head)
    return _put(state, dataset, name, replace(held, head=made))


def _publish(state: State, dataset: str, name: str, message: str) -> State:
    held = state.version(dataset, name)
    assert held.working is not None
    head = held.head
    if head is None or held.working != head.content:
        head = Commit(message, held.working, head)
    return _put(state, dataset, name, VersionState(head, None))


def _snapshot(state: State, dataset: str, name: str, published: str, message: str) -> State:
    old = _publish(state, dataset, name, message).version(dataset, name)
    assert old.head is not None
    child = VersionState(old.head, old.head.content)
    return _put(_put(state, dataset, name, child), dataset, published, old)


def _tag(state: State, dataset: str, label: str, message: str) -> State:
    held = state.datasets[dataset]
    tags = {**held.tags, label: state.commits(dataset)[message]}
    return _with(state, dataset, replace(held, tags=tags))


def _untag(state: State, dataset: str, label: str) -> State:
    held = state.datasets[dataset]
    tags = {each: one for each, one in held.tags.items() if each != label}
    return _with(state, dataset, replace(held, tags=tags))


def _reset(state: State, dataset: str, name: str, message: str | None, hard: bool) -> State:
    held = state.version(dataset, name)
    head = held.head if message is None else state.commits(dataset)[message]
    new = replace(held, head=head)
    return _put(state, dataset, name, replace(new, working=new.committed()) if hard else new)


def _restore(
    state: State, dataset: str, name: str, ids: list[str] | None, message: str | None
) -> State:
    held, working = state.version(dataset, name), _draft(state, dataset, name)
    source = held.committed() if message is None else state.commits(dataset)[message].content
    if ids is None:
        return _edit(state, dataset, name, source)
    frames = {each: frame for each, frame in working.frames.items() if each not in ids}
    frames |= {each: source.frames[each] for each in ids if each in source.frames}
    return _edit(state, dataset, name, replace(working, frames=frames))


def _revert(state: State, dataset: str, name: str, message: str, new_message: str) -> State:
    """Undo a commit of which nothing was changed again, which the caller has seen to."""
    held, ours = state.version(dataset, name), _draft(state, dataset, name)
    undone = state.commits(dataset)[message]
    before = Content() if undone.parent is None else undone.parent.content
    frames = _swapped(ours.frames, undone.content.frames, before.frames)
    meta = _swapped(ours.meta, undone.content.meta, before.meta)
    content = Content(frames, meta)
    return _put(
        state, dataset, name, VersionState(Commit(new_message, content, held.head), content)
    )


def _swapped(
    ours: Mapping[str, Any], after: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any]:
    touched = {key for key in {*after, *before} if after.get(key) != before.get(key)}
    kept = {key: one for key, one in ours.items() if key not in touched}
    return kept | {key: before[key] for key in touched if key in before}


def _rename_version(state: State, dataset: str, name: str, new: str) -> State:
    held = state.version(dataset, name)
    return _put(_put(state, dataset, name, None), dataset, new, held)


def _rename_dataset(state: State, dataset: str, new: str) -> State:
    return _with(_with(state, dataset, None), new, state.datasets[dataset])


def _undo(state: State) -> State:
    assert state.before is not None
    return state.before


_VERBS: dict[str, Callable[..., State]] = {
    "create_dataset": _create_dataset,
    "create_version": _create_version,
    "add": _add,
    "delete": _delete,
    "set_metadata": _set_metadata,
    "batch": _batch,
    "commit": _commit,
    "publish": _publish,
    "snapshot": _snapshot,
    "tag": _tag,
    "untag": _untag,
    "reset": _reset,
    "restore": _restore,
    "revert": _revert,
    "rename_version": _rename_version,
    "rename_dataset": _rename_dataset,
    "delete_version": lambda state, dataset, name: _put(state, dataset, name, None),
    "delete_dataset": lambda state, dataset: _with(state, dataset, None),
    "undo": _undo,
    "gc": lambda state, compact: state,
}


def do(store: Store, operation: Operation) -> None:
    """Do an operation on a store."""
    match operation:
        case ("undo",):
            store.undo()
        case ("gc", compact):
            gc(store, prune_now=True, compact=compact)
        case ("create_dataset", dataset):
            store.create_dataset(dataset)
        case ("create_version", dataset, name, message):
            commit = None if message is None else commit_named(store, dataset, message)
            store.dataset(dataset).create_version(name, commit=commit)
        case ("tag", dataset, label, message):
            commit = commit_named(store, dataset, message)
            store.dataset(dataset).versions()[0].tag(label, commit)
        case ("untag", dataset, label):
            store.dataset(dataset).delete_tag(label)
        case ("rename_dataset", dataset, new):
            store.dataset(dataset).rename(new)
        case ("delete_dataset", dataset):
            store.delete_dataset(dataset, force=True)
        case ("delete_version", dataset, name):
            store.dataset(dataset).delete_version(name, force=True)
        case (_, dataset, name, *_):
            _do_version(store, store.dataset(dataset).version(name), operation)
        case _:
            raise AssertionError(f"no operation {operation}")


def _do_version(store: Store, version: DatasetVersion, operation: Operation) -> None:
    match operation:
        case ("add", _, _, frames):
            failures = version.add_frames(frames)
            assert not failures, failures
        case ("delete", _, _, ids):
            version.delete_frames(ids)
        case ("set_metadata", _, _, meta):
            version.set_metadata(meta)
        case ("batch", dataset, name, edits):
            with version.batch():
                for verb, *rest in edits:
                    _do_version(store, version, (verb, dataset, name, *rest))
        case ("commit", _, _, message):
            version.commit(message)
        case ("publish", _, _, message):
            version.publish(message)
        case ("snapshot", _, _, published, message):
            version.snapshot(published, message=message)
        case ("reset", dataset, _, message, hard):
            commit = None if message is None else commit_named(store, dataset, message)
            version.reset(commit, hard=hard)
        case ("restore", dataset, _, ids, message):
            commit = None if message is None else commit_named(store, dataset, message)
            version.restore(ids, source=commit)
        case ("revert", dataset, _, message, new_message):
            version.revert(commit_named(store, dataset, message), new_message)
        case ("rename_version", _, _, new):
            version.rename(new)
        case _:
            raise AssertionError(f"no operation {operation[0]}")


def commit_named(store: Store, dataset: str, message: str) -> str:
    """Return the id of the commit with this message, reached as `State.commits` reaches it."""
    held = store.dataset(dataset)
    for version in held.versions():
        for info in version.log():
            if info.message == message:
                return info.id
    for start in held.commit_tags().values():
        commit: str | None = start
        while commit is not None:
            info = store.commit_info(commit)
            if info.message == message:
                return info.id
            commit = info.parents[0] if info.parents else None
    raise AssertionError(f"no commit {message!r} in {dataset}")


# Portraits: all that can be read, as plain values that compare.


def portrait(state: State) -> Portrait:
    """Return what a store in this state must show."""
    return {
        name: {
            "tags": {label: commit.message for label, commit in sorted(held.tags.items())},
            "versions": {
                each: _version_portrait(version) for each, version in sorted(held.versions.items())
            },
        }
        for name, held in sorted(state.datasets.items())
    }


def _version_portrait(version: VersionState) -> Portrait:
    content = version.content()
    pending = version.working is not None and (
        version.working != version.committed() or version.head is None
    )
    frames = sorted(content.frames.values(), key=_order)
    rois = [len(_rois(frame)) for frame in frames]
    return {
        "status": "published" if version.working is None else "draft" if pending else "committed",
        "pending": changes(version.committed(), content)
        if version.working is not None
        else [0] * 6,
        "frames": [essence(frame) for frame in frames],
        "counts": [len(frames), sum(rois), sum(1 for one in rois if one)],
        "meta": dict(content.meta),
        "log": [
            [one.message, changes(one.parent.content if one.parent else Content(), one.content)]
            for one in (version.head.log() if version.head else ())
        ],
    }


def _order(frame: Wire) -> tuple[bytes, object, bytes]:
    return str(frame["context_id"]).encode(), frame["timestamp"], str(frame["id"]).encode()


def _rois(frame: Wire) -> list[Wire]:
    rois = frame.get("rois", [])
    assert isinstance(rois, list)
    return rois


def changes(old: Content, new: Content) -> list[int]:
    """Count frames added, changed, removed, then ROIs added, changed, removed."""
    counts = [0] * 6
    for key in old.frames.keys() | new.frames.keys():
        before, after = old.frames.get(key), new.frames.get(key)
        if before == after:
            continue
        counts[0 if before is None else 2 if after is None else 1] += 1
        gone = {} if before is None else {roi["id"]: roi for roi in _rois(before)}
        come = {} if after is None else {roi["id"]: roi for roi in _rois(after)}
        counts[3] += len(come.keys() - gone.keys())
        counts[4] += sum(1 for each in come.keys() & gone.keys() if come[each] != gone[each])
        counts[5] += len(gone.keys() - come.keys())
    return counts


def essence(wire: Mapping[str, object]) -> Wire:
    """Return a wire frame as it compares: what was left out and what was empty are the same."""
    return {key: one for key, one in wire.items() if one not in (None, [], {})}


def portrait_of(store: Store) -> Portrait:
    """Return all that a store shows, read through the native API."""
    found: Portrait = {}
    for dataset in store.datasets():
        tags = {
            label: store.commit_info(one).message for label, one in dataset.commit_tags().items()
        }
        versions: dict[str, Portrait] = {}
        for version in dataset.versions():
            versions[version.name] = _read_version(version)
        found[dataset.name] = {
            "tags": dict(sorted(tags.items())),
            "versions": dict(sorted(versions.items())),
        }
    return dict(sorted(found.items()))


def _read_version(version: DatasetVersion) -> Portrait:
    view: View = version.view()
    status = version.status()
    frames = [essence(frame.to_dict()) for frame in view]
    assert [str(frame["id"]) for frame in frames][::-1] == [
        frame.id for frame in view.get_iterator(reverse=True)
    ]
    return {
        "status": status.state,
        "pending": _counts(status.changes),
        "frames": frames,
        "counts": [len(view), view.snapshot.totals.rois, view.snapshot.totals.annotated],
        "meta": version.get_metadata(),
        "log": [[info.message, _counts(info.changes)] for info in version.log()],
    }


def _counts(given: object) -> list[int]:
    frames, rois = given.frames, given.rois  # type: ignore[attr-defined]
    return [
        *(frames.added, frames.changed, frames.removed),
        *(rois.added, rois.changed, rois.removed),
    ]
