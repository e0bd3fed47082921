"""A text as windows of streams: what is read, and what counts."""

import numpy as np
import pytest

from nao.evaluators.language.windows import arrange, count_windows, cut
from tests.evaluators.language.small import text


def test_streams_side_by_side():
    x, y, real = cut(np.arange(14, dtype=np.int32), 2, 3, 2)
    assert real.all()
    np.testing.assert_array_equal(x[:, :, 0].ravel(), [0, 1, 2, 3])  # the first stream through both windows
    np.testing.assert_array_equal(x[:, :, 2].ravel(), [8, 9, 10, 11])
    np.testing.assert_array_equal(y, x + 1)


@pytest.mark.parametrize("tokens", [2, 3, 7, 12, 13, 14, 25, 100])
@pytest.mark.parametrize(("window", "batch"), [(1, 1), (4, 3), (5, 8)])
def test_every_token_but_the_first_is_predicted_once_from_the_one_before(tokens, window, batch):
    x, y, real = cut(np.arange(tokens, dtype=np.int32), window, batch, None)
    np.testing.assert_array_equal(np.sort(y[real]), np.arange(1, tokens))
    np.testing.assert_array_equal(x[real] + 1, y[real])
    stream = y[:, :, 0].reshape(-1)[real[:, :, 0].reshape(-1)]
    np.testing.assert_array_equal(stream, np.arange(1, len(stream) + 1))


def test_each_split_is_counted_for_itself():
    data, words = text(valid=83, test=62), arrange(text(valid=83, test=62), 5, 4)
    assert words.counts.sum(axis=(0, 1, 2)).tolist() == [82, 61]
    assert not words.counts.all(axis=-1).any()
    assert np.flatnonzero(words.begins).tolist() == [0, 5]  # 21 words of 4 streams are 5 windows
    np.testing.assert_array_equal(words.x_eval[5, 0, 0], data.test[0])
    np.testing.assert_array_equal(words.y_eval[5, 0, 0], data.test[1])


@pytest.mark.parametrize(("train", "windows"), [(20, 0), (21, 1), (40, 1), (41, 2), (400, 19)])
def test_only_full_windows_are_trained_on(train, windows):
    data = text(train=train)
    assert count_windows(data, 5, 4) == windows
    assert arrange(data, 5, 4).x.shape == (windows, 5, 4)
