"""What f learns, and the way back."""

import numpy as np
import pytest

from nao.encoders.targets import Targets


@pytest.mark.parametrize("kind", ["min-max", "normal"])
def test_decode_undoes_encode_and_keeps_the_order(kind, rng):
    scores = np.concatenate([rng.normal(size=50), [-100.0, 0.5, 0.5]])
    targets = Targets.of(kind, scores)
    np.testing.assert_allclose(targets.decode(targets.encode(scores)), scores, rtol=1e-9, atol=1e-9)
    beyond = targets.decode(targets.encode(scores).max() + np.array([0.0, 0.1, 1.0]))
    assert (np.diff(beyond) > 0).all()


def test_min_max_spans_zero_to_one():
    np.testing.assert_allclose(
        Targets.of("min-max", np.array([2.0, 3.0, 6.0])).encode(np.array([2.0, 3.0, 6.0])), [0, 0.25, 1]
    )


def test_normal_targets_do_not_mind_an_outlier():
    with_outlier = Targets.of("normal", np.array([-1e6, 1.0, 2.0, 3.0])).encode(np.array([1.0, 2.0, 3.0]))
    without = Targets.of("normal", np.array([0.0, 1.0, 2.0, 3.0])).encode(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(with_outlier, without)


def test_equal_scores_share_a_target():
    targets = Targets.of("normal", np.array([1.0, 2.0, 2.0, 3.0]))
    np.testing.assert_allclose(targets.encode(np.array([2.0])), [0.0], atol=1e-12)
