"""Orders of a seed: the same on every machine, each thing once, and as mixed as chance is."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import QueryError
from hyperstore.ids import content_hash
from hyperstore.query.checks import checked_weight
from hyperstore.query.iteration.permutation import Permutation, Shares, seed_of, synthetic_epoch

SEEDS = range(6)

GOLDEN_SMALL = [8, 6, 5, 1, 7, 3, 9, 2, 4, 0]
GOLDEN_MILLION = [638596, 1433, 520357, 465534, 273127]
GOLDEN_HUGE = [23996266500, 951692782595]
GOLDEN_WHOLE = "fd3da5a7455873c3ab69565a89f48837"
GOLDEN_DRAWS = [(0, 1483), (1, 47), (0, 890), (1, 2), (0, 5181), (0, 799999754)]
GOLDEN_SEED = 16488445669709492927


@given(st.integers(1, 5_000), st.integers())
def test_a_permutation_has_each_number_once(n: int, seed: int) -> None:
    """For any seed and size: no frame of an epoch is lost or comes twice."""
    assert sorted(Permutation(n, seed).at(range(n))) == list(range(n))


@pytest.mark.parametrize("n", [1, 2, 1_023, 1_024, 1_025, 2**16, 2**16 + 1, 99_991])
def test_sizes_at_the_edges_of_bits_have_each_number_once(n: int) -> None:
    """Where the rounds work on more than there is, the rest goes round again."""
    assert len({*Permutation(n, 7).at(range(n))}) == n


@given(st.integers(1, 2**60), st.integers(), st.data())
def test_places_of_any_size_stay_within_and_apart(n: int, seed: int, data: st.DataObject) -> None:
    """One place costs the same of a thousand and of a trillion, alone or among others."""
    order = Permutation(n, seed)
    places = data.draw(st.lists(st.integers(0, n - 1), unique=True, min_size=1, max_size=20))
    found = order.at(places)
    assert len({*found}) == len(places)
    assert all(0 <= one < n for one in found)
    assert [order[place] for place in places] == found
    assert len(order) == n


def test_golden_places() -> None:
    """Every machine and every Python deals the same: what was trained can be trained again."""
    assert Permutation(10, 1337).at(range(10)) == GOLDEN_SMALL
    assert Permutation(1_000_000, 1337).at([0, 1, 2, 500_000, 999_999]) == GOLDEN_MILLION
    assert Permutation(2**40 + 1, -5).at([0, 2**40]) == GOLDEN_HUGE
    whole = ",".join(map(str, Permutation(100_003, 42).at(range(100_003))))
    assert content_hash([whole.encode()])[:32] == GOLDEN_WHOLE
    shares = Shares([5.0, 1.0, 0.25], seed=9)
    assert [shares.draw(t) for t in (0, 1, 2, 4_095, 4_096, 10**9)] == GOLDEN_DRAWS
    assert seed_of(1337, "round", 3) == GOLDEN_SEED


@given(st.integers(1_025, 2**32), st.integers(), st.integers(64, 300), st.data())
def test_places_together_are_those_of_each_alone(
    n: int, seed: int, count: int, data: st.DataObject
) -> None:
    """Many places are computed in one long integer, and their lanes must not run over."""
    order = Permutation(n, seed)
    start = data.draw(st.integers(0, n - count))
    places = [*range(start, start + count - 1), n - 1]
    assert order.at(places) == [order[place] for place in places]


def test_places_out_of_range_are_none() -> None:
    """An index beyond the end is a mistake, not a wrap."""
    for place in (-1, 10):
        with pytest.raises(IndexError):
            Permutation(10, 0)[place]


def excess(counts: list[int], expected: float) -> float:
    """Return by how many standard deviations chi-square of these counts is too large."""
    freedom = len(counts) - 1
    chi = sum((one - expected) ** 2 / expected for one in counts)
    return float((chi - freedom) / (2 * freedom) ** 0.5)


@pytest.mark.parametrize("n", [65_536, 100_003])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_permutation_is_as_mixed_as_chance(n: int, seed: int) -> None:
    """Where a thing comes, what follows it, and what its last bits are, say nothing."""
    order = Permutation(n, seed).at(range(n))
    grid = Counter((place * 64 // n, one * 64 // n) for place, one in enumerate(order))
    assert excess([grid[a, b] for a in range(64) for b in range(64)], n / 4_096) < 5
    gaps = Counter((b - a) % n * 512 // n for a, b in pairwise(order))
    assert excess([gaps[one] for one in range(512)], (n - 1) / 512) < 5
    bits = Counter((a & 15, b & 15) for a, b in pairwise(order))
    assert excess([bits[a, b] for a in range(16) for b in range(16)], (n - 1) / 256) < 5
    thirds = [order[at : at + 3] for at in range(0, n - 3, 3)]
    ranks = Counter(tuple(sorted(range(3), key=one.__getitem__)) for one in thirds)
    assert excess([*ranks.values()], len(thirds) / 6) < 6


def test_small_permutations_are_all_as_likely() -> None:
    """Of four things there are 24 orders; 24,000 seeds deal each about a thousand times."""
    dealt = Counter(tuple(Permutation(4, seed).at(range(4))) for seed in range(24_000))
    assert len(dealt) == 24
    assert excess([*dealt.values()], 1_000) < 5


def test_seeds_are_told_apart() -> None:
    """Neighbouring seeds, sizes and rounds have nothing to do with each other."""
    orders = [Permutation(5_000, seed).at(range(5_000)) for seed in (0, 1, 2, -1, 2**64)]
    for one in orders:
        same = [sum(a == b for a, b in zip(one, other, strict=True)) for other in orders]
        assert sorted(same)[-2] < 12
    assert len({seed_of(1, "round", number) for number in range(500)}) == 500
    assert seed_of(1, 2) != seed_of(1, "2")


weights = st.lists(st.floats(0.001, 1_000), min_size=1, max_size=9)


@given(weights, st.integers(0, 3_000), st.one_of(st.none(), st.integers()))
def test_shares_deal_each_turn_of_each_part_once(
    given_weights: list[float], count: int, seed: int | None
) -> None:
    """Draws and turns are one to one: no part is drawn twice for one of its frames in a round."""
    shares = Shares(given_weights, seed, length=count)
    drawn = [shares.draw(t) for t in range(count)]
    turns = Counter(part for part, _ in drawn)
    assert sorted(drawn) == sorted((part, turn) for part in turns for turn in range(turns[part]))
    assert shares.before(count) == [turns[part] for part in range(len(given_weights))]


@given(weights, st.integers(0, 100_000))
def test_shares_are_kept_at_any_moment(given_weights: list[float], count: int) -> None:
    """Counted by fractions: no part is ever more than some draws from its share."""
    total = sum(map(Fraction, given_weights))
    for got, weight in zip(Shares(given_weights, None).before(count), given_weights, strict=True):
        assert abs(got - count * Fraction(weight) / total) <= len(given_weights).bit_length() + 1


def test_a_part_without_weight_is_never_drawn() -> None:
    """Such as one that found nothing."""
    shares = Shares([0.0, 2.0, 0.0, 1.0], 3)
    assert {shares.draw(t)[0] for t in range(2_000)} == {1, 3}
    assert shares.before(999)[0] == shares.before(999)[2] == 0


def test_shares_change_places_by_the_seed() -> None:
    """Without a seed they take turns; with one, who comes next cannot be told from who came."""
    even = Shares([1, 1], None)
    assert [even.draw(t)[0] for t in range(6)] in ([0, 1] * 3, [1, 0] * 3)
    mixed = Shares([1, 1], 5)
    drawn = [mixed.draw(t)[0] for t in range(40_000)]
    follow = Counter(zip(drawn[::2], drawn[1::2], strict=True))
    assert excess([follow[a, b] for a in (0, 1) for b in (0, 1)], 5_000) < 5


@pytest.mark.parametrize(
    ("counts", "asked", "length"),
    [
        ([100], [1], 100),
        ([100, 50], [1, 1], 200),
        ([100, 50], [3, 1], 134),
        ([100, 100], [1, 3], 400),
        ([7, 0], [1, 100], 7),
        ([0, 0], [1, 1], 0),
        ([3, 10, 0], [0.1, 0.2, 9], 15),
        ([], [], 0),
    ],
)
def test_a_synthetic_epoch_shows_the_largest_part_once(
    counts: list[int], asked: list[float], length: int
) -> None:
    """The largest count over its share, rounded up; empty parts have none."""
    assert synthetic_epoch(counts, asked) == length


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), "1", None, True])
def test_weights_that_are_none_are_refused(weight: object) -> None:
    """Before anything is drawn."""
    with pytest.raises(QueryError, match="weight"):
        checked_weight(weight)
