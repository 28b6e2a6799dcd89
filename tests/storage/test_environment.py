"""One open file a process, shared, growing, and carried over forks without harm."""

import multiprocessing
import os
import pickle
import threading
from pathlib import Path

import lmdb
import pytest

from hyperstore.errors import (
    DiskFullError,
    ForkError,
    HyperstoreError,
    LockedError,
    RefusedError,
    UsageError,
)
from hyperstore.ids import ObjectId, object_id
from hyperstore.storage.database import Database
from hyperstore.storage.datafile import file_key
from hyperstore.storage.environment import Environment, translated
from hyperstore.storage.translation import TRANSLATIONS
from hyperstore.storage.writer import Writer
from tests.support.children import run_in_child

Stored = tuple[ObjectId, int, bytes]


def objects_of(count: int, size: int = 1000, tag: bytes = b"") -> list[Stored]:
    payloads = [tag + number.to_bytes(8, "big") + os.urandom(size) for number in range(count)]
    return [(object_id(1, payload), 1, payload) for payload in payloads]


def put(database: Database, records: list[Stored]) -> None:
    with database.writing() as writer:
        writer.put_many(records)


def is_open(folder: Path) -> bool:
    """Say whether this process has the file open; others' files, such as handles that an earlier
    test unpickled and that close at exit, do not count."""
    return file_key(folder) in Environment._registry.open


def all_engine_errors() -> list[type[lmdb.Error]]:
    found = [getattr(lmdb, name) for name in dir(lmdb)]
    return [one for one in found if isinstance(one, type) and issubclass(one, lmdb.Error)]


@pytest.mark.parametrize("kind", all_engine_errors(), ids=lambda kind: kind.__name__)
def test_every_engine_error_has_a_meaning(kind: type[lmdb.Error], tmp_path: Path) -> None:
    """Nothing foreign leaks, whatever a later binding adds."""
    assert kind is lmdb.Error or kind.__name__ in TRANSLATIONS
    error = translated(kind("asked"), tmp_path)
    assert isinstance(error, HyperstoreError)
    assert str(tmp_path) in str(error)


def test_no_translation_is_for_an_error_that_is_gone() -> None:
    """The table names classes as text; a misspelt one would never apply."""
    assert set(TRANSLATIONS) == {kind.__name__ for kind in all_engine_errors()} - {"Error"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (28, DiskFullError),
        (5, DiskFullError),
        (122, DiskFullError),
        (13, RefusedError),
        (30, RefusedError),
        (2, HyperstoreError),
        (11, LockedError),
        (24, LockedError),
        (9999, UsageError),
    ],
)
def test_errors_of_the_system_are_told_by_number(
    code: int, expected: type[HyperstoreError], tmp_path: Path
) -> None:
    """The binding has one class for all of them."""
    error = lmdb.Error("asked")
    error.code = code  # type: ignore[misc]
    assert isinstance(translated(error, tmp_path), expected)


def test_two_handles_share_one_open_file(tmp_path: Path) -> None:
    """LMDB must not open a file twice in one process, by a link either."""
    folder = tmp_path / "db"
    link = tmp_path / "link"
    link.symlink_to(folder)
    records = objects_of(3)
    with Database.create(folder) as one, Database.open(link) as other:
        assert one._environment is other._environment
        put(one, records)
        with other.reading() as reader:
            assert reader.get(records[0][0]) == records[0][2]
        assert is_open(folder)
    with pytest.raises(UsageError, match="closed"):
        one.reading()
    assert not is_open(folder)


def test_the_file_stays_open_until_its_last_handle_closes(tmp_path: Path) -> None:
    """Closing one handle must not pull the map from under another."""
    with Database.create(tmp_path / "db") as first:
        second = Database.open(tmp_path / "db")
        second.close()
        second.close()
        put(first, objects_of(2))


def test_a_reader_becomes_a_writer_when_a_writer_comes(tmp_path: Path) -> None:
    """The file is opened to read first, so that reading waits for nobody."""
    Database.create(tmp_path / "db").close()
    with Database.open(tmp_path / "db", readonly=True) as reading:
        with Database.open(tmp_path / "db") as writing:
            put(writing, objects_of(4))
        with reading.reading() as reader:
            assert reader.last_sequence() == 4


def test_a_writer_does_not_come_while_this_thread_reads(tmp_path: Path) -> None:
    """Waiting for oneself would be forever."""
    Database.create(tmp_path / "db").close()
    with Database.open(tmp_path / "db", readonly=True) as reading:
        with reading.reading(), pytest.raises(UsageError, match="inside a read"):
            Database.open(tmp_path / "db")
        Database.open(tmp_path / "db").close()


def test_a_deleted_and_remade_store_is_another_one(tmp_path: Path) -> None:
    """The registry knows files, not paths."""
    folder = tmp_path / "db"
    with Database.create(folder) as old:
        for file in folder.iterdir():
            file.unlink()
        with Database.create(folder) as new:
            assert new.store_id != old.store_id


def test_reads_nest_and_run_in_threads(tmp_path: Path) -> None:
    """A read takes no lock and sees its own state."""
    records = objects_of(50)
    with Database.create(tmp_path / "db") as database:
        put(database, records[:25])
        with database.reading() as outer:
            put(database, records[25:])
            with database.reading() as inner:
                assert inner.last_sequence() == 50
            assert outer.last_sequence() == 25

        def read_all() -> None:
            for oid, _, payload in records:
                with database.reading() as reader:
                    assert reader.get(oid) == payload

        in_threads([read_all] * 8)


def in_threads(works: list[object]) -> None:
    """Run each in a thread; raise what one of them raised."""
    failed: list[BaseException] = []

    def run(work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 - it is raised below.
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def test_a_write_inside_a_write_is_refused(tmp_path: Path) -> None:
    """The engine would wait for itself."""
    with Database.create(tmp_path / "db") as database:
        with database.writing(), pytest.raises(UsageError, match="already"):
            put(database, [])
        put(database, objects_of(1))


def test_the_map_grows_before_it_is_needed(tmp_path: Path) -> None:
    """A write finds its reserve free; nobody sees the growth."""
    with Database.create(tmp_path / "db", map_bytes=2**20) as database:
        for _ in range(40):
            put(database, objects_of(100))
        with database.reading() as reader:
            assert len(list(reader.scan_objects())) == 4000


def test_a_write_that_outgrows_its_reserve_fails_whole_and_then_fits(tmp_path: Path) -> None:
    """What one transaction may put is bounded; the next one finds a larger map."""
    records = objects_of(3000)
    with Database.create(tmp_path / "db", map_bytes=2**20) as database:
        with pytest.raises(DiskFullError, match="smaller batches"):
            put(database, records)
        with database.reading() as reader:
            assert reader.last_sequence() == 0
        put(database, records[:100])


def test_a_swallowed_failure_does_not_commit_half(tmp_path: Path) -> None:
    """A block that goes on after the map was full must not end well."""

    def put_and_go_on(writer: Writer) -> None:
        for _ in range(2):
            with pytest.raises(DiskFullError):
                writer.put_many(objects_of(3000))

    with Database.create(tmp_path / "db", map_bytes=2**20) as database:
        with pytest.raises(DiskFullError), database.writing() as writer:
            put_and_go_on(writer)
        with database.reading() as reader:
            assert reader.last_sequence() == 0


def test_a_function_is_run_again_until_the_map_has_room(tmp_path: Path) -> None:
    """`write` has no bound but the disk's."""
    records = objects_of(5000)
    with Database.create(tmp_path / "db", map_bytes=2**20) as database:
        assert database.write(lambda writer: writer.put_many(records)) == 5000
        with database.reading() as reader:
            assert reader.last_sequence() == 5000


def test_other_threads_read_while_the_map_grows(tmp_path: Path) -> None:
    """Growth waits for readers, and readers for growth, and all go on."""
    first = objects_of(20)
    with Database.create(tmp_path / "db", map_bytes=2**20) as database:
        put(database, first)
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                with database.reading() as reader:
                    assert reader.get(first[3][0]) == first[3][2]

        def write() -> None:
            try:
                for _ in range(30):
                    database.write(lambda writer: writer.put_many(objects_of(200)))
            finally:
                stop.set()

        in_threads([read, read, write])


def test_growth_inside_a_read_of_the_same_thread_is_refused(tmp_path: Path) -> None:
    """Waiting for oneself would be forever."""
    with Database.create(tmp_path / "db", map_bytes=2**20) as database:
        put(database, objects_of(500))
        with database.reading():
            database._environment._full = True
            with pytest.raises(UsageError, match="inside a read"):
                put(database, objects_of(1))
        put(database, objects_of(1))


def test_a_map_grown_by_another_process_is_taken_over(tmp_path: Path) -> None:
    """Reads and writes both go on."""
    folder = tmp_path / "db"
    records = objects_of(4000)
    with Database.create(folder, map_bytes=2**20) as database:

        def grow() -> None:
            with Database.open(folder, map_bytes=2**20) as grown:
                grown.write(lambda writer: writer.put_many(records))

        for _ in range(2):
            context = multiprocessing.get_context("spawn")
            child = context.Process(target=_grow, args=(str(folder), 3000))
            child.start()
            child.join()
            assert child.exitcode == 0
            with database.reading() as reader:
                assert reader.last_sequence() % 3000 == 0
        assert run_in_child(grow) == "done"
        put(database, objects_of(1))
        with database.reading() as reader:
            assert reader.last_sequence() == 2 * 3000 + 4000 + 1


def _grow(folder: str, count: int) -> None:
    with Database.open(folder, map_bytes=2**20) as database:
        database.write(lambda writer: writer.put_many(objects_of(count)))


def test_a_child_reads_and_writes_beside_its_parent(tmp_path: Path) -> None:
    """A fork carries the handle, not the open file."""
    records = objects_of(30)
    with Database.create(tmp_path / "db") as database:
        put(database, records[:10])

        def work() -> None:
            with database.reading() as reader:
                assert reader.get(records[0][0]) == records[0][2]
            put(database, records[10:20])
            with database.reading() as reader:
                assert reader.last_sequence() == 20

        assert run_in_child(work) == "done"
        put(database, records[20:])
        with database.reading() as reader:
            assert reader.get_many([r[0] for r in records]) == [r[2] for r in records]


def test_a_read_in_progress_goes_on_on_both_sides_of_a_fork(tmp_path: Path) -> None:
    """A child that closes what it inherited must not free its parent's reader slot."""
    records = objects_of(300)
    with Database.create(tmp_path / "db") as database:
        put(database, records)
        with database.reading() as reader:
            scan = reader.scan_objects()
            first = next(scan)

            def work() -> None:
                assert reader.get(records[5][0]) == records[5][2]
                assert [first.oid, *(r.oid for r in scan)] == [r[0] for r in records]

            assert run_in_child(work) == "done"
            table = database._environment._opened().readers()
            mine = [line.split() for line in table.splitlines() if str(os.getpid()) in line]
            assert [line[2] != "-" for line in mine] == [True], table
            assert [first.oid, *(r.oid for r in scan)] == [r[0] for r in records]


def test_a_fork_inside_a_write_is_refused_in_the_child_only(tmp_path: Path) -> None:
    """The child holds half a transaction, and its parent's lock."""
    records = objects_of(2)
    with Database.create(tmp_path / "db") as database:
        with database.writing() as writer:
            writer.put_many(records)

            def work() -> None:
                for use in (database.reading, database.writing):
                    with pytest.raises(ForkError), use():
                        pass
                with pytest.raises(ForkError):
                    writer.get(records[0][0])
                with pytest.raises(ForkError, match="only the parent"):
                    writer.__exit__(None, None, None)
                writer.__exit__(ValueError, ValueError(), None)

            assert run_in_child(work) == "done"
        with database.reading() as reader:
            assert reader.last_sequence() == 2


def test_a_fork_while_another_thread_opens_waits_for_it(tmp_path: Path) -> None:
    """The child must not inherit a half-opened file."""
    Database.create(tmp_path / "db").close()
    stop = threading.Event()

    def open_and_close() -> None:
        while not stop.is_set():
            Database.open(tmp_path / "db").close()

    def fork() -> None:
        try:
            for _ in range(10):
                assert run_in_child(lambda: Database.open(tmp_path / "db").close()) == "done"
        finally:
            stop.set()

    in_threads([open_and_close, fork])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_every_start_method_use_the_handle(tmp_path: Path, method: str) -> None:
    """A data loader hands the handle to its workers."""
    records = objects_of(20)
    with Database.create(tmp_path / "db") as database:
        put(database, records)
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            found = pool.starmap(_get, [(database, record[0]) for record in records])
        assert found == [record[2] for record in records]


def _get(database: Database, oid: ObjectId) -> bytes:
    with database.reading() as reader:
        return reader.get(oid)


def test_a_pickled_handle_is_its_path(tmp_path: Path) -> None:
    """Nothing of the open file travels."""
    with Database.create(tmp_path / "db") as database:
        assert len(pickle.dumps(database)) < 200 + len(str(tmp_path))


def test_a_forgotten_handle_warns(tmp_path: Path) -> None:
    """A leaked file is found in the tests, not at the customer's."""
    database = Database.create(tmp_path / "db")
    with pytest.warns(ResourceWarning, match="never closed"):
        del database
    assert not is_open(tmp_path / "db")


def test_a_transaction_used_after_its_block_says_so(tmp_path: Path) -> None:
    """The engine's own words would not help."""
    with Database.create(tmp_path / "db") as database:
        with database.reading() as reader:
            pass
        with pytest.raises(UsageError, match="closed"):
            reader.ref("HEAD")


def test_many_threads_compare_and_swap_without_losing_a_step(tmp_path: Path) -> None:
    """Every step is seen by the next; none is made twice."""
    steps = 40
    with Database.create(tmp_path / "db") as database:
        in_threads([lambda: _count_up(database, steps)] * 4)
        with database.reading() as reader:
            assert reader.ref("counter") == _number(4 * steps)


def test_many_processes_compare_and_swap_without_losing_a_step(tmp_path: Path) -> None:
    """The same between processes."""
    steps = 40
    with Database.create(tmp_path / "db") as database:
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=_count_up, args=(database, steps)) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0] * 4
        with database.reading() as reader:
            assert reader.ref("counter") == _number(4 * steps)
            assert len(list(reader.operations())) == 4 * steps


def _number(value: int) -> ObjectId:
    return ObjectId(value.to_bytes(32, "big"))


def _count_up(database: Database, steps: int) -> None:
    for _ in range(steps):
        with database.writing() as writer:
            old = writer.ref("counter")
            new = _number(1 + (0 if old is None else int.from_bytes(old, "big")))
            writer.move("counter", old, new)
            writer.log(time_ms=0, actor="a", command="c", moves=[])
