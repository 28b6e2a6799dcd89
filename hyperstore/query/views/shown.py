"""What a view shows at one moment, as a lock says it."""

from functools import partial
from itertools import islice

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.view import View
from hyperstore.history.branches import head_of
from hyperstore.limits import LOCK_BEGINS
from hyperstore.query import checks
from hyperstore.query.iteration.iterator import FrameIterator, Iteration
from hyperstore.query.language.condition import Field, Leaf, Scope, Term
from hyperstore.query.language.parser import parse, roi_node
from hyperstore.query.language.writer import text_of
from hyperstore.query.locks.lock import Shown
from hyperstore.query.order import IterationOrder
from hyperstore.query.selection.frameids import frame_ids
from hyperstore.query.selection.selection import Selection
from hyperstore.query.versionsets.changes import revisions_of
from hyperstore.query.views.queries import ANY, Query
from hyperstore.query.views.reading import counted, iteration_of, selected
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.spec import Wire, canonical
from hyperstore.query.views.state import ViewState

__all__ = ["shown"]

_NOT_PINNED = ("description", "name", "project", "tags")  # What a lock does not say.
_TEXTS = {"frame_query": Scope.FRAME, "sources_query": Scope.SOURCE}


def shown(state: ViewState, found: Resolved) -> Shown:
    """Return all that a lock says of a view that was resolved to these versions."""
    handle, spec = state.handle, state.spec
    state.origin.rules(handle, spec)  # By ids from here on, as a lock names versions.
    count = counted(state, found)
    if spec.output_rois == checks.ALL_IN_FRAME:
        whole = selected(state, found)
    else:
        whole = Selection(handle, found.parts())
    return Shown(
        name=spec.name or "",
        spec=_pinned_spec(state.wire(), iteration_of(spec)),
        queries=[
            [view for view in views if not _is_left_out(handle, query, view)]
            for query, views in zip(found.queries, found.views, strict=True)
        ],
        counts=count.queries,
        count=int(count),
        ids=partial(frame_ids, whole),
        begins=_beginning(state, found),
        revisions=found.revisions,
        merged=[list(one.values()) for one in state.origin.merged(handle, found)],
    )


def _is_left_out(handle: Handle, query: Query, view: View) -> bool:
    """Whether a query has a version through `*` alone, and nothing comes of it: a bare draft.

    A lock names commits, and nobody should have to make one in a dataset that is just begun.
    """
    if ANY not in (query.dataset_id, query.version_id) or len(view):
        return False
    if query.merge_with is not None or revisions_of(query.condition()):
        return False  # Frames of other commits may come with it.
    with handle.database.reading() as reader:
        head = head_of(reader, view.home.dataset_id, view.home.version_id)
    return view.home.commit is None and head is None


def _beginning(state: ViewState, found: Resolved) -> list[str]:
    """Return the ids of the first frames that an iteration gives, where it shuffles."""
    iteration = iteration_of(state.spec)
    if iteration.order == IterationOrder.sequential:
        return []
    frames = FrameIterator(selected(state, found), iteration)
    return [frame.id for frame in islice(frames, LOCK_BEGINS)]


def _pinned_spec(spec: Wire, iteration: Iteration) -> Wire:
    """Return a view as a lock holds it: without its name, queries in their canonical text.

    A seed that nobody gave is said, so that no release may take another one.
    """
    said = {name: value for name, value in spec.items() if name not in _NOT_PINNED}
    if iteration.order != IterationOrder.sequential:
        said["iteration"] = {**_map(said.get("iteration")), "random_seed": iteration.seed}
    filters = said.get("filters")
    assert isinstance(filters, list)
    said["filters"] = [_pinned_filter(one) for one in filters]
    return canonical(said)


def _map(value: object) -> Wire:
    return value if isinstance(value, dict) else {}


def _pinned_filter(query: Wire) -> Wire:
    said = dict(query)
    for name, scope in _TEXTS.items():
        text = said.get(name)
        if isinstance(text, str) and text.strip() not in ("", ANY):
            said[name] = text_of(parse(text, scope), scope)
    rules = said.get("label_rules")
    if isinstance(rules, list):
        said["label_rules"] = [{**one, "label": _pinned_label(one["label"])} for one in rules]
    return said


def _pinned_label(text: str) -> str:
    """Return a label as it is, and any other query about ROIs in its canonical text."""
    if text == ANY:
        return text
    node = roi_node(text)
    if isinstance(node, Leaf) and isinstance(node.test, Term):
        label = node.test.text
        if node.field == Field(Scope.ROI, "label", exact=True) and roi_node(label) == node:
            return label
    return text_of(node, Scope.ROI)
