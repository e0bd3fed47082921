"""Language modelling as a program: which parts fit each other, and what an outcome means."""

import dataclasses
import json
import math

import numpy as np
import pytest

from nao.core import STANDARD, Fidelity, InputError
from nao.data import load_digits, load_topics
from nao.evaluators.language import LanguageChild, LanguageProgram, make
from nao.evaluators.language.training import Outcome
from nao.evaluators.pool import DevicePool
from nao.evaluators.program import Program
from nao.settings import build
from nao.spaces import RNNCellSpace, space
from tests.evaluators.language.small import CHILD, GATED, TREE, text

VALID, TEST = 82, 61  # tokens that are predicted


def outcome(**values):
    """What a training of all steps might give: perplexities of 4 and 8."""
    fixed = {"steps": 57, "train_loss": 1.5, "loss": [VALID * math.log(4), TEST * math.log(8)]}
    return Outcome(**{name: np.array(value) for name, value in (fixed | values).items()})


class TestReport:
    PROGRAM = LanguageProgram(GATED, text(), CHILD)

    def test_losses_and_perplexities(self):
        report = self.PROGRAM.report(outcome())
        assert report.score == pytest.approx(-math.log(4))
        assert report.test_score == pytest.approx(-math.log(8))
        expected = {
            **{"train_loss": 1.5, "valid_loss": math.log(4), "test_loss": math.log(8)},
            **{"valid_perplexity": 4, "test_perplexity": 8},
        }
        assert report.metrics == pytest.approx(expected)
        assert report.reason == ""

    def test_the_score_of_zoph_and_le(self):
        child = dataclasses.replace(CHILD, score="perplexity", scale=80.0)
        report = LanguageProgram(GATED, text(), child).report(outcome())
        assert (report.score, report.test_score) == (pytest.approx(80 / 16), pytest.approx(80 / 64))

    @pytest.mark.parametrize("score", ["loss", "perplexity"])
    def test_a_score_falls_with_the_loss_and_is_finite_even_where_a_perplexity_is_not(self, score):
        program = LanguageProgram(GATED, text(), dataclasses.replace(CHILD, score=score))
        losses = [VALID * nats for nats in (0.5, 1.0, 6.0, 1000.0)]
        scores = [program.report(outcome(loss=[loss, 1.0])).score for loss in losses]
        assert scores == sorted(scores, reverse=True)
        assert np.isfinite(scores).all()

    @pytest.mark.parametrize("values", [{"train_loss": np.nan}, {"loss": [np.inf, 1.0]}])
    def test_a_loss_that_is_not_finite(self, values):
        report = self.PROGRAM.report(outcome(steps=7, **values))
        assert (report.score, report.reason) == (None, "diverged: the loss was not finite after 7 steps")

    def test_a_loss_on_the_test_split_decides_nothing(self):
        report = self.PROGRAM.report(outcome(loss=[VALID * 1.0, np.inf]))
        assert (report.score, report.test_score) == (-1.0, None)


@pytest.mark.parametrize("space", [GATED, TREE])
def test_it_is_a_program(space):
    program = LanguageProgram(space, text(), CHILD)
    assert isinstance(program, Program)
    architectures = space.sample(np.random.default_rng(0), 3)
    costs = {program.cost(architecture) for architecture in architectures}
    assert len(costs) == 1
    for leaf in program.encode(architectures):
        assert len(leaf) == 3


class TestFidelity:
    PROGRAM = LanguageProgram(GATED, text(), CHILD)

    def test_the_standard_one_is_the_childs(self):
        assert self.PROGRAM.count_steps(STANDARD) == 3 * 19
        assert LanguageProgram(GATED, text(), LanguageChild(batch=4, steps=7)).count_steps(STANDARD) == 7

    @pytest.mark.parametrize("steps", [1, 7, 57])
    def test_fewer_steps(self, steps):
        assert self.PROGRAM.count_steps(Fidelity("short", steps)) == steps

    @pytest.mark.parametrize("steps", [0, -1, 58])
    def test_other_steps(self, steps):
        with pytest.raises(InputError, match=f"'odd' must have at least 1 and at most 57 .* not {steps}"):
            self.PROGRAM.count_steps(Fidelity("odd", steps))

    def test_a_name_alone(self):
        with pytest.raises(InputError, match="a child has no fidelity 'shared weights'"):
            self.PROGRAM.count_steps(Fidelity("shared weights"))


class TestConfiguration:
    @pytest.mark.parametrize("name", ["rnn-cell", "rnn-tree"])
    def test_it_can_be_turned_back(self, name):
        program = LanguageProgram(space(name), load_topics(), LanguageChild(steps=7))
        configuration = json.loads(json.dumps(program.configuration()))
        assert make(configuration) == program
        assert make({**configuration, "child": {"steps": 8}}) != program

    @pytest.mark.parametrize(
        ("part", "value", "match"),
        [
            ("child", {"cells": 3}, "child has no parameter 'cells'; it has units, batch, window"),
            ("space", space("nasbench201").configuration(), "nasbench201 has no language model"),
            ("data", load_digits().configuration(), "digits has images"),
        ],
    )
    def test_a_wrong_part(self, part, value, match):
        given = LanguageProgram(space("rnn-cell"), load_topics()).configuration()
        with pytest.raises(InputError, match=match):
            make({**given, part: value})

    def test_a_missing_part(self):
        with pytest.raises(InputError, match="a language program needs space, child"):
            make({"program": "language", "data": load_topics().configuration()})


class TestBadInput:
    @pytest.mark.parametrize("sizes", [{"valid": 0}, {"valid": 1}, {"test": 0}, {"test": 1}])
    def test_a_text_without_a_word_to_predict(self, sizes):
        with pytest.raises(InputError, match=r"^cycle has no word to predict in its validation or its test"):
            LanguageProgram(GATED, text(**sizes), CHILD)

    def test_more_steps_than_can_be_counted(self):
        with pytest.raises(InputError, match=r"^900,000,000 epochs of cycle are 17,100,000,000 steps, and a"):
            LanguageProgram(GATED, text(), dataclasses.replace(CHILD, epochs=900_000_000))

    def test_an_empty_text(self):
        with pytest.raises(InputError, match=r"^cycle has 0 training tokens, too few for 4 streams"):
            LanguageProgram(GATED, text(train=0), CHILD)

    def test_too_short_a_text(self):
        with pytest.raises(InputError) as raised:
            LanguageProgram(GATED, text(train=150), LanguageChild(batch=16, window=10))
        assert str(raised.value) == (
            "cycle has 150 training tokens, too few for 16 streams of a window of 10: use fewer"
            " (--child batch=N) or a shorter one (--child window=N)"
        )

    def test_an_activation_that_is_not_known(self):
        odd = RNNCellSpace(activations=("tanh", "elu"))
        with pytest.raises(InputError, match="no language model knows the activation 'elu'"):
            LanguageProgram(odd, text(), CHILD)

    def test_more_memory_than_the_machine_has(self):
        child = dataclasses.replace(CHILD, units=1_000_000)
        with pytest.raises(InputError, match=r"training takes at least .* GiB of memory"):
            DevicePool(LanguageProgram(GATED, text(), child))


class TestChild:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *(
                (field, value)
                for field in ("units", "batch", "window", "epochs", "steps")
                for value in (0, -2)
            ),
            *(("learning_rate", value) for value in (0.0, -0.1, float("nan"), float("inf"))),
            *((field, -1.0) for field in ("momentum", "weight_decay", "clip", "alpha", "beta", "scale")),
            *((field, 1.5) for field in ("momentum", "average")),
            *((f"drop_{place}", value) for place in ("words", "hidden") for value in (1.0, -0.1)),
        ],
    )
    def test_a_bad_value_is_named(self, field, value):
        with pytest.raises(InputError, match=rf"^child.{field} must be .* not {value}$"):
            LanguageChild(**{field: value})

    @pytest.mark.parametrize(
        ("field", "value"), [("units", 1.5), ("batch", "many"), ("schedule", "step"), ("score", "accuracy")]
    )
    def test_a_value_of_the_wrong_type(self, field, value):
        with pytest.raises(InputError, match=rf"^child.{field} must be .* not "):
            build(LanguageChild, "child", {field: value})

    def test_without_a_number_of_steps_it_passes_the_text(self):
        assert LanguageChild().count_steps(100) == 100
        assert LanguageChild(epochs=3).count_steps(100) == 300
        assert LanguageChild(epochs=3, steps=9).count_steps(100) == 9
