"""Image classification as a program: which parts fit each other, and what an outcome means."""

import dataclasses
import json

import numpy as np
import pytest

from nao.core import STANDARD, Fidelity, InputError
from nao.data import load_digits
from nao.evaluators.images import Child, ImageProgram, make
from nao.evaluators.images.cost import count_memory
from nao.evaluators.images.program import encode_branches
from nao.evaluators.images.training import Outcome
from nao.evaluators.pool import DevicePool
from nao.evaluators.program import Program
from nao.settings import build
from nao.spaces import CellSpace, operations, space
from tests.evaluators.small import CHILD, SPACE, TRAIN, dataset


def outcome(**values):
    """What a training of all steps might give."""
    fixed = {"steps": 40, "train_loss": 0.5, "correct": [30, 18], "loss": [20.0, 12.0]}
    return Outcome(**{name: np.array(value) for name, value in (fixed | values).items()})


class TestReport:
    PROGRAM = ImageProgram(SPACE, dataset(), CHILD)

    def test_shares_and_means(self):
        report = self.PROGRAM.report(outcome())
        assert (report.score, report.test_score) == (30 / 40, 18 / 24)
        expected = {"train_loss": 0.5, "valid_loss": 0.5, "test_loss": 0.5}
        assert report.metrics == expected
        assert report.reason == ""

    def test_without_test_images_there_is_no_test_score(self):
        report = ImageProgram(SPACE, dataset(test=0), CHILD).report(outcome())
        assert (report.score, report.test_score) == (0.75, None)
        assert set(report.metrics) == {"train_loss", "valid_loss"}

    @pytest.mark.parametrize(
        "values", [{"train_loss": np.nan}, {"loss": [np.inf, 1.0]}, {"train_loss": -np.inf}]
    )
    def test_a_loss_that_is_not_finite(self, values):
        report = self.PROGRAM.report(outcome(steps=7, **values))
        assert (report.score, report.reason) == (None, "diverged: the loss was not finite after 7 steps")

    def test_a_loss_on_the_test_images_decides_nothing(self):
        assert self.PROGRAM.report(outcome(loss=[20.0, np.inf])).score == 0.75


def test_it_is_a_program():
    assert isinstance(ImageProgram(SPACE, dataset(), CHILD), Program)


def test_architectures_as_data():
    branches = np.arange(5 * 2 * 3 * 2 * 2, dtype=np.int32).reshape(5, 2, 3, 2, 2)
    genotype = encode_branches(branches)
    assert genotype.normal.inputs.shape == (5, 6)
    np.testing.assert_array_equal(genotype.normal.inputs[0], branches[0, 0, :, :, 0].ravel())
    np.testing.assert_array_equal(genotype.reduction.operations[4], branches[4, 1, :, :, 1].ravel())


class TestFidelity:
    @pytest.mark.parametrize(("child", "steps"), [(Child(batch=16), TRAIN // 16), (CHILD, CHILD.steps)])
    def test_the_standard_one_is_the_childs(self, child, steps):
        assert ImageProgram(SPACE, dataset(), child).count_steps(STANDARD) == steps

    @pytest.mark.parametrize("steps", [1, 7, 40])
    def test_fewer_steps(self, steps):
        assert ImageProgram(SPACE, dataset(), CHILD).count_steps(Fidelity("short", steps)) == steps

    @pytest.mark.parametrize("steps", [0, -1, 41])
    def test_other_steps(self, steps):
        with pytest.raises(InputError, match=f"'odd' must have at least 1 and at most 40 .* not {steps}"):
            ImageProgram(SPACE, dataset(), CHILD).count_steps(Fidelity("odd", steps))

    def test_a_name_alone(self):
        with pytest.raises(InputError, match="a child has no fidelity 'shared weights'"):
            ImageProgram(SPACE, dataset(), CHILD).count_steps(Fidelity("shared weights"))


class TestConfiguration:
    PROGRAM = ImageProgram(space("cnn-cell-small", blocks=2), load_digits(), Child(steps=7))

    def test_it_can_be_turned_back(self):
        configuration = json.loads(json.dumps(self.PROGRAM.configuration()))
        assert make(configuration) == self.PROGRAM
        assert make({**configuration, "child": {"steps": 8}}) != self.PROGRAM

    def test_other_data(self):
        configuration = self.PROGRAM.configuration()
        with pytest.raises(InputError, match="digits"):
            make({**configuration, "data": {**configuration["data"], "fingerprint": "0" * 32}})

    @pytest.mark.parametrize(
        ("part", "value", "match"),
        [
            ("child", {"depth": 3}, "child has no parameter 'depth'; it has cells, channels, steps"),
            ("child", {"cells": "many"}, "child.cells must be a whole number, not 'many'"),
            ("space", {}, "space"),
        ],
    )
    def test_a_wrong_part(self, part, value, match):
        with pytest.raises(InputError, match=match):
            make({**self.PROGRAM.configuration(), part: value})

    def test_a_missing_part(self):
        with pytest.raises(InputError, match="the configuration of an image program needs space, child"):
            make({"program": "images", "data": load_digits().configuration()})

    def test_a_space_without_networks_of_images(self):
        nasbench = {"space": space("nasbench201").configuration()}
        with pytest.raises(InputError, match="nasbench201 has no network of images"):
            make({**self.PROGRAM.configuration(), **nasbench})


class TestBadInput:
    def test_too_few_training_images(self):
        with pytest.raises(InputError) as raised:
            ImageProgram(SPACE, dataset(), Child(batch=100))
        message = "quarters has 64 training images, fewer than a batch of 100: use a smaller one (--batch 64)"
        assert str(raised.value) == message

    def test_no_training_images(self):
        data = dataset()
        data = dataclasses.replace(data, x_train=data.x_train[:0], y_train=data.y_train[:0])
        with pytest.raises(InputError, match=r"quarters has 0 training images, fewer than a batch of 16$"):
            ImageProgram(SPACE, data, CHILD)

    def test_no_validation_images(self):
        data = dataset()
        data = dataclasses.replace(data, x_valid=data.x_valid[:0], y_valid=data.y_valid[:0])
        with pytest.raises(InputError, match=r"^quarters has no validation images, by which .*scored$"):
            ImageProgram(SPACE, data, CHILD)

    def test_images_that_are_too_small(self):
        data = dataset()
        small = {name: getattr(data, name)[:, :3] for name in ("x_train", "x_valid", "x_test")}
        with pytest.raises(InputError, match=r"images must be 4x4 at least, .* not 3x8"):
            ImageProgram(SPACE, dataclasses.replace(data, **small), CHILD)

    @pytest.mark.parametrize("cutout", [8, 9, 1000])
    def test_a_hole_as_large_as_the_image(self, cutout):
        with pytest.raises(InputError, match=f"cutout must be smaller than .*, which are 8x8, not {cutout}"):
            ImageProgram(SPACE, dataset(), Child(batch=16, cutout=cutout))

    def test_other_cells(self):
        one = dataclasses.replace(SPACE, cells=("normal",))
        with pytest.raises(InputError, match="a child needs a normal and a reduction cell, not 1 cells"):
            ImageProgram(one, dataset(), CHILD)

    def test_an_operation_that_is_not_known(self):
        with pytest.raises(InputError, match="no child network knows the operation 'attention'; it knows"):
            ImageProgram(CellSpace("odd", operations("attention")), dataset(), CHILD)

    @pytest.mark.parametrize("size", [{"channels": 1_000_000}, {"cells": 1000, "channels": 4000}])
    def test_more_memory_than_the_machine_has(self, size):
        with pytest.raises(InputError, match=r"training takes at least .* GiB of memory"):
            DevicePool(ImageProgram(SPACE, dataset(), Child(**size)))


def test_memory_counted_by_hand():
    two = CellSpace("two", operations("identity", "conv-1x1"), blocks=1)
    program = ImageProgram(two, dataset(), Child(channels=2, batch=16, cells=5))
    # Cells of 2, 4 and 8 channels on 8x8, 4x4 and 2x2 pixels: the two inputs and a block are kept, and a
    # branch has a convolution with its normalisation and a projection of the one block of another cell.
    states = 3 * 16 * (2 * 64 + 4 * 16 + 8 * 4)
    weights = 2 * ((4 + 4 + 4) + (16 + 8 + 16) + (64 + 16 + 64))
    assert program.memory == count_memory(program.network, 16) == 5 * 4 * (3 * weights + states)


class TestChild:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *((field, value) for field in ("cells", "channels", "steps", "batch") for value in (0, -2)),
            ("channels", 3),
            *(("learning_rate", value) for value in (0.0, -0.1, float("nan"), float("inf"))),
            ("cutout", -1),
            ("cells", 1001),
            *((field, -1.0) for field in ("momentum", "weight_decay", "clip")),
        ],
    )
    def test_a_bad_value_is_named(self, field, value):
        with pytest.raises(InputError, match=rf"^child.{field} must be .* not {value}$"):
            Child(**{field: value})

    @pytest.mark.parametrize(("field", "value"), [("cells", 1.5), ("channels", "many"), ("augment", 1)])
    def test_a_value_of_the_wrong_type(self, field, value):
        with pytest.raises(InputError, match=rf"^child.{field} must be .* not "):
            build(Child, "child", {field: value})

    def test_values_of_numpy_become_plain(self):
        child = build(Child, "child", {"channels": np.int64(4), "learning_rate": np.float32(0.5)})
        assert (type(child.channels), type(child.learning_rate)) == (int, float)

    def test_without_a_number_of_steps_it_passes_the_images_once(self):
        assert Child(batch=16).count_steps(100) == 6
        assert Child(batch=16).count_steps(10) == 1
        assert Child(batch=16, steps=9).count_steps(100) == 9
