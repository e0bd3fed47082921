"""The archive: what it holds, how it draws, and that it finds all of a space; the initial design."""

import dataclasses

import numpy as np
import pytest

from nao.spaces.nasbench201 import NASBENCH201
from nao.strategies import Random, archive
from nao.strategies.archive import Archive, every_architecture
from nao.strategies.initial import InitialDesign, initial_design
from tests.fakes import PairSpace
from tests.strategies.results import scored, total

SPACE = PairSpace()


@dataclasses.dataclass(frozen=True)
class Ones(PairSpace):
    """Strings of two letters that mean how many of them are the second."""

    letters: int = 2
    length: int = 13

    def canonical(self, architecture):
        return str(sum(architecture.tokens))


def test_draws_uniformly():
    space = PairSpace(letters=2, length=2)  # aa, ab = ba, bb
    rng = np.random.default_rng(0)
    counts = dict.fromkeys(("00", "01", "11"), 0)
    for _ in range(2000):
        counts[space.canonical(Archive(space).draw(rng, 1)[0])] += 1
    assert abs(counts["01"] - 1000) < 4 * np.sqrt(2000 / 4)
    assert abs(counts["00"] - 500) < 4 * np.sqrt(2000 * 3 / 16)


def test_what_is_listed_is_drawn_uniformly_too(monkeypatch):
    monkeypatch.setattr(archive, "MOST_DRAWS", 0)
    space = PairSpace(letters=2, length=2)
    rng = np.random.default_rng(0)
    keys = [space.canonical(Archive(space).draw(rng, 1)[0]) for _ in range(1000)]
    assert abs(keys.count("01") - 500) < 4 * np.sqrt(1000 / 4)
    assert abs(keys.count("00") - 250) < 4 * np.sqrt(1000 * 3 / 16)


@pytest.mark.parametrize("seed", range(3))
def test_draws_every_architecture_where_some_have_one_string_of_thousands(seed, monkeypatch):
    monkeypatch.setattr(archive, "MOST_DRAWS", 1000)
    space = Ones()
    found = Archive(space).draw(np.random.default_rng(seed), 1000)
    assert sorted(sum(x.tokens) for x in found) == list(range(14))
    # What is drawn before anything is listed does not change.
    by_draws = Archive(space)
    monkeypatch.setattr(archive, "MOST_LISTED", 0)
    assert found[: len(by_draws.draw(np.random.default_rng(seed), 1000))] == [
        x for x in found if x in by_draws
    ]
    assert len(by_draws) < 14


def test_draws_one_by_one_what_is_left(monkeypatch):
    monkeypatch.setattr(archive, "MOST_DRAWS", 10)
    space, drawn = Ones(), []
    everything = Archive(space)
    rng = np.random.default_rng(0)
    while x := everything.draw(rng, 1):
        drawn += x
    assert sorted(sum(x.tokens) for x in drawn) == list(range(14))


def test_random_finds_every_architecture_of_nasbench201(monkeypatch):
    monkeypatch.setattr(archive, "MOST_DRAWS", 1000)
    strategy, keys = Random(NASBENCH201), set()
    while proposals := strategy.ask(500):
        keys |= {NASBENCH201.canonical(p.architecture) for p in proposals}
    assert len(keys) == 6466


def test_random_resumes_also_where_what_is_left_is_listed(monkeypatch):
    monkeypatch.setattr(archive, "MOST_DRAWS", 10)
    whole = Random(Ones(), seed=1).ask(20)
    assert len(whole) == 14
    for n in range(15):
        stopped, resumed = Random(Ones(), seed=1), Random(Ones(), seed=1)
        proposals = stopped.ask(n)
        resumed.restore(stopped.state())
        resumed.tell(scored(proposals, total))
        assert proposals + resumed.ask(20) == whole


def test_every_architecture_in_the_first_of_its_strings():
    space = PairSpace(letters=3, length=4)
    strings = every_architecture(space)
    assert len(strings) == 36
    assert (np.sort(strings.reshape(-1, 2, 2)) == strings.reshape(-1, 2, 2)).all()


def test_a_canonical_key_is_computed_once():
    computed = []

    @dataclasses.dataclass(frozen=True)
    class Counting(PairSpace):
        def canonical(self, architecture):
            computed.append(architecture.tokens)
            return super().canonical(architecture)

    strategy = Random(Counting())
    for _ in range(100):
        strategy.tell(scored(strategy.ask(1), total))
    assert len(computed) == len(set(computed)) <= 2 * archive.BATCH


def test_the_initial_design_is_the_beginning_of_any_larger_one():
    large = initial_design(SPACE, 4, 150)
    assert len({SPACE.canonical(x) for x in large}) == 150
    for n in (0, 1, 63, 64, 65):
        assert initial_design(SPACE, 4, n) == large[:n]
    assert initial_design(SPACE, 5, 20) != large[:20]


def test_the_initial_design_leaves_out_what_is_known():
    architectures = initial_design(SPACE, 0, 10)
    known = Archive(SPACE)
    known.add_new(architectures[1:4], 3)
    design = InitialDesign(SPACE, 0, 10)
    given = [p.architecture for n in (2, 20) for p in design.take(n, known)]
    assert given == [architectures[0], *architectures[4:]]
    assert (design.num_given, design.left) == (10, 0)
