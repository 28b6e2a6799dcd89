"""What the operation log holds: of a draft's steps so many, for so long."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperstore.ids import Kind, ObjectId, object_id
from hyperstore.maintenance.roots import Moment, roots
from hyperstore.storage.database import Database
from hyperstore.storage.reflog import Move

HOUR_MS = 3_600_000
NOW_MS = 10**13


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.create(tmp_path / "db") as made:
        yield made


def steps(database: Database, name: str, ages_ms: list[int]) -> list[ObjectId]:
    """Move a ref once for each age, oldest first; return the objects that it left and came to."""
    payloads = [f"{name} {number}".encode() for number in range(len(ages_ms) + 1)]
    ids = [object_id(Kind.SNAPSHOT, payload) for payload in payloads]
    with database.writing() as writer:
        records = zip(ids, payloads, strict=True)
        writer.put_many([(oid, Kind.SNAPSHOT, payload) for oid, payload in records])
        for number, age_ms in enumerate(ages_ms):
            move = Move(name, ids[number], ids[number + 1])
            writer.log(time_ms=NOW_MS - age_ms, actor="a", command="c", moves=[move])
    return ids


def held(database: Database, grace_ms: int = 0) -> set[ObjectId]:
    """Return all roots at the moment to which the ages refer."""
    with database.reading() as reader:
        return set(roots(reader, Moment(NOW_MS, grace_ms)))


def test_the_last_200_steps_of_each_draft_are_held(database: Database) -> None:
    """Both sides of each, so that one more state than there are steps."""
    one, other = (steps(database, f"working/d/{name}", [1] * 203) for name in "ab")
    assert held(database) == {*one[-201:], *other[-201:]}


def test_steps_of_a_draft_are_held_for_a_day(database: Database) -> None:
    """Or for the grace period where that is longer, however many they are."""
    ids = steps(database, "working/d/v", [25 * HOUR_MS, 24 * HOUR_MS, 24 * HOUR_MS - 1, 0])
    assert held(database) == set(ids[-3:])
    assert held(database, grace_ms=25 * HOUR_MS) == set(ids[1:])
    assert held(database, grace_ms=26 * HOUR_MS) == set(ids)


def test_what_a_head_has_left_is_held_for_90_days(database: Database) -> None:
    """A commit that was reset away is missed weeks later."""
    days = 90 * 24 * HOUR_MS
    ids = steps(database, "head/d/v", [days + 1, days, 0])
    assert held(database) == set(ids[1:])
