"""The images of a child's training: how they are arranged, shuffled and augmented."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nao.evaluators.images import Child, batches
from tests.evaluators.small import TEST, TRAIN, VALID, dataset


class TestImages:
    def test_every_image_counts_in_its_own_split(self):
        data = batches.arrange(dataset())
        assert data.x_eval.shape == (1, batches.EVALUATED, 8, 8, 1)
        assert data.split.sum(axis=(0, 1)).tolist() == [VALID, TEST]
        assert not data.split.all(axis=-1).any()
        for i, (x, y) in enumerate(
            ((dataset().x_valid, dataset().y_valid), (dataset().x_test, dataset().y_test))
        ):
            np.testing.assert_array_equal(data.x_eval[data.split[..., i]], x)
            np.testing.assert_array_equal(data.y_eval[data.split[..., i]], y)

    def test_without_test_images(self):
        data = batches.arrange(dataset(test=0))
        assert data.split.sum(axis=(0, 1)).tolist() == [VALID, 0]

    def test_more_than_one_batch(self):
        data = batches.arrange(dataset(test=300))
        assert data.x_eval.shape[0] == 3
        np.testing.assert_array_equal(data.x_eval[data.split[..., 1]], dataset(test=300).x_test)

    def test_training_images_are_standardised(self):
        data = batches.arrange(dataset())
        x = batches.standardise(data, jnp.asarray(data.x_train))
        assert x.mean() == pytest.approx(0, abs=1e-5)
        assert x.std() == pytest.approx(1, abs=1e-5)


class TestShuffle:
    def test_every_image_once_before_any_comes_again(self):
        order = batches.shuffle(TRAIN, 16, 10, jax.random.key(0))
        assert order.shape == (10, 16)
        epochs = np.asarray(order).ravel()[: 2 * TRAIN].reshape(2, TRAIN)
        np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(np.arange(TRAIN), (2, 1)))
        assert not np.array_equal(epochs[0], epochs[1])

    def test_a_shorter_training_sees_the_first_batches_of_a_longer_one(self):
        order = batches.shuffle(TRAIN, 16, 10, jax.random.key(0))
        for steps in (3, 5):
            np.testing.assert_array_equal(batches.shuffle(TRAIN, 16, steps, jax.random.key(0)), order[:steps])


class TestAugmentation:
    @pytest.fixture
    def batch(self):
        """Images `[N, 16, 8, 2]` whose pixels all differ."""
        return 1 + jnp.arange(40 * 16 * 8 * 2, dtype=jnp.float32).reshape(40, 16, 8, 2)

    def augmented(self, batch, **options):
        return np.asarray(batches.augment(Child(**options), batch, jax.random.key(1)))

    def test_none_is_the_identity(self, batch):
        assert batches.augment(Child(), batch, jax.random.key(0)) is batch

    def test_crops_of_the_padded_image_and_flips(self, batch):
        out = self.augmented(batch, augment=True)
        assert out.shape == batch.shape
        seen = set()
        for image, given in zip(np.asarray(batch), out, strict=True):
            padded = np.pad(image, ((2, 2), (1, 1), (0, 0)))  # an eighth of the height and of the width
            ways = {
                (top, left, step): padded[top : top + 16, left : left + 8][:, ::step]
                for top in range(5)
                for left in range(3)
                for step in (1, -1)
            }
            found = [way for way, crop in ways.items() if np.array_equal(crop, given)]
            assert len(found) == 1
            seen.add(found[0])
        assert [len({way[i] for way in seen}) for i in range(3)] == [5, 3, 2]

    @pytest.mark.parametrize("side", [1, 3, 4])
    def test_cutout_makes_one_square_hole(self, batch, side):
        out = self.augmented(batch, cutout=side)
        holes = (out == 0).all(axis=-1)
        assert ((out == 0).any(axis=-1) == holes).all()
        np.testing.assert_array_equal(out[~holes], np.asarray(batch)[~holes])
        areas = holes.sum(axis=(1, 2))
        assert areas.min() >= 1
        assert areas.max() == side**2
        for hole in holes:
            rows, columns = hole.any(axis=1).sum(), hole.any(axis=0).sum()
            assert hole.sum() == rows * columns
            assert max(rows, columns) <= side
        assert len({hole.tobytes() for hole in holes}) > 10
