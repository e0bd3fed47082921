"""Random search: one sequence under a seed, and the order statistic of what it finds."""

import numpy as np
import pytest

from nao.strategies import Random
from nao.strategies.initial import initial_design
from tests.fakes import PairSpace
from tests.strategies.results import result

SPACE = PairSpace(letters=3, length=4)


def expected_best(scores, m):
    """The expected best of m draws without replacement, and its standard deviation.

    With s_(1) <= ... <= s_(N) the best is s_(r) with probability C(r - 1, m - 1) / C(N, m).
    """
    s, N = np.sort(scores), len(scores)
    at_most = np.cumprod([[max(r - i, 0) / (N - i) for r in range(1, N + 1)] for i in range(m)], axis=0)[-1]
    p = np.diff(at_most, prepend=0)
    mean = float(p @ s)
    return mean, float(np.sqrt(p @ s**2 - mean**2))


def test_expected_best_in_small_cases():
    assert expected_best([1.0, 2.0, 6.0], 1) == pytest.approx((3.0, np.sqrt(41 / 3 - 9)))
    assert expected_best([1.0, 2.0, 6.0], 2)[0] == pytest.approx((2 + 6 + 6) / 3)
    assert expected_best([1.0, 2.0, 6.0], 3) == pytest.approx((6.0, 0.0))


class Plain(PairSpace):
    """Every string means something else, so that all architectures are equally likely."""

    def canonical(self, architecture):
        return str(architecture.tokens)


@pytest.mark.parametrize("m", [3, 10])
def test_the_best_of_m_is_the_order_statistic_of_the_space(m):
    space, runs = Plain(letters=7, length=2), 500
    value = {space.canonical(x): v**0.5 for v, x in enumerate(initial_design(space, 99, space.size))}
    bests = [
        max(value[space.canonical(p.architecture)] for p in Random(space, seed=seed).ask(m))
        for seed in range(runs)
    ]
    mean, deviation = expected_best(list(value.values()), m)
    assert abs(np.mean(bests) - mean) < 4 * deviation / np.sqrt(runs)


def test_what_it_proposes_does_not_depend_on_how_it_is_asked():
    at_once, in_parts = Random(SPACE, seed=2), Random(SPACE, seed=2)
    assert at_once.ask(20) == [p for n in (1, 7, 12) for p in in_parts.ask(n)]


def test_leaves_out_what_it_was_told_and_goes_on_in_its_sequence():
    sequence = initial_design(SPACE, 0, 12)
    strategy = Random(SPACE)
    strategy.tell([result(x, 0.0) for x in sequence[1:10:2]])
    assert [p.architecture for p in strategy.ask(7)] == [*sequence[0:10:2], *sequence[10:]]
