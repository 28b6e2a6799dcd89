"""Any order of adding, deleting, committing, undoing and pruning: every frame has its file.

The model is a dict of frame ids and bytes. Nothing is spared for being young, so that what goes is
what nothing leads to.
"""

import shutil
import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import hyperstore
from hyperstore import SingleFrame
from hyperstore.errors import HyperstoreError
from hyperstore.maintenance.keptfiles import kept_uses, prune, verify_kept

NUMBERS = st.integers(0, 5)


class Keeping(RuleBasedStateMachine):
    """A draft whose frames have kept files."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hyperstore-kept-"))
        self.store = hyperstore.init(self.folder / "store")
        self.store.set_config("gc.grace", 0)
        self.draft = self.store.create_dataset("cells").version()
        self.model: dict[str, bytes] = {}
        self.states = [dict(self.model)]  # Before each edit that undo may take back.

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(name=NUMBERS, content=NUMBERS)
    def add(self, name: int, content: int) -> None:
        data = b"content %d" % content * (content + 1)
        path = self.folder / f"{content}.bin"
        path.write_bytes(data)
        before = self.draft.content_id
        assert (
            self.draft.add_frames([SingleFrame(id=f"{name}", source=path)], copy_media=True) == []
        )
        if self.draft.content_id != before:
            self.states.append(dict(self.model))
        self.model[f"{name}"] = data
        path.unlink()

    @rule(name=NUMBERS)
    def delete(self, name: int) -> None:
        if self.draft.delete_frames([f"{name}"]):
            self.states.append(dict(self.model))
            del self.model[f"{name}"]

    @rule()
    def commit(self) -> None:
        try:
            self.draft.commit("step")
        except HyperstoreError:
            return
        self.states = []  # Undo would take back the commit first.

    @precondition(lambda self: len(self.states) > 1)
    @rule()
    def undo(self) -> None:
        try:
            self.store.undo()
        except HyperstoreError:
            return  # What it replaced was collected.
        self.model = self.states.pop()
        self.states = []

    @rule()
    def keep_again(self) -> None:
        assert self.draft.add_frames(list(self.draft), copy_media=True) == []

    @rule()
    def collect(self) -> None:
        prune(self.store)

    @invariant()
    def every_frame_has_its_file(self) -> None:
        found = {}
        for one in self.draft:
            path = one.get_local_source(raise_on_error=True)  # type: ignore[union-attr]
            found[one.id] = Path(path or "").read_bytes()
        assert found == self.model
        assert verify_kept(self.store).faults == []
        uses = {use.digest: use.frames for use in kept_uses(self.store)}
        named = {str(one.source).removeprefix("media:") for one in self.draft}  # type: ignore[union-attr]
        assert named <= uses.keys()


TestKeeping = Keeping.TestCase
