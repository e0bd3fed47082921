"""Strategies by name and by configuration: their parameters are checked before anything runs."""

import subprocess
import sys

import pytest

from nao.core import InputError
from nao.spaces.nasbench201 import NASBENCH201
from nao.strategies import NAO, make
from nao.strategies.named import STRATEGIES, strategy
from tests.fakes import LinearEncoder, PairSpace

SPACE = PairSpace()


class TestByName:
    def test_passes_seed_and_parameters_on(self):
        evolution = strategy("evolution", SPACE, seed=3, population=7, sample=2)
        assert evolution.configuration() == {
            "name": "evolution",
            "population": 7,
            "sample": 2,
            "seed": 3,
            "space": SPACE.configuration(),
        }

    @pytest.mark.parametrize("name", STRATEGIES)
    def test_the_name_is_the_one_in_the_configuration(self, name):
        assert strategy(name, SPACE).configuration()["name"] == name

    def test_a_whole_number_will_do_for_a_real_one(self):
        assert strategy("q-learning", SPACE, alpha=1).configuration()["alpha"] == 1.0

    @pytest.mark.parametrize(
        ("name", "parameters", "message"),
        [
            (
                "evolutoin",
                {},
                "no strategy 'evolutoin'; beside nao, the strategies are random, local-search, evolution",
            ),
            ("evolution", {"size": 3}, "^evolution has no parameter 'size'; it has population, sample$"),
            ("random", {"size": 3}, "^random has no parameter 'size'; it has none$"),
            ("gp", {"encoder": "default"}, "^gp has no parameter 'encoder'; it has initial, proposals$"),
            (
                "evolution",
                {"population": "many"},
                "^evolution.population must be a whole number, not 'many'$",
            ),
            ("evolution", {"sample": 10**20}, r"^evolution.sample must be a number within \+-1,000,000,000"),
            ("q-learning", {"start": float("inf")}, r"^q-learning.start must be a finite number, not inf"),
            ("evolution", {"sample": 0}, "^evolution.sample must be at least 1, not 0$"),
            ("evolution", {"population": -1}, "^evolution.population must be at least 1, not -1$"),
            ("local-search", {"initial": 0}, "^local-search.initial must be at least 1, not 0$"),
            ("gp", {"initial": 0}, "^gp.initial must be at least 1, not 0$"),
            ("gp", {"proposals": 0}, "^gp.proposals must be at least 1, not 0$"),
            ("progressive", {"beam": 0}, "^progressive.beam must be at least 1, not 0$"),
            ("progressive", {"block": 0}, "^progressive.block must be at least 1, not 0$"),
            ("progressive", {"initial": 0}, "^progressive.initial must be at least 1, not 0$"),
        ],
    )
    def test_says_in_one_line_what_is_wrong(self, name, parameters, message):
        with pytest.raises(InputError, match=message) as error:
            strategy(name, SPACE, **parameters)
        assert "\n" not in str(error.value)


CONFIGURATION = {"name": "gp", "initial": 3, "proposals": 2, "seed": 1, "space": NASBENCH201.configuration()}


CONFIGURATION = {
    "name": "gp",
    "initial": 3,
    "proposals": 2,
    "seed": 1,
    "space": NASBENCH201.configuration(),
}


class TestMake:
    def test_what_is_left_out_has_its_default(self):
        made = make({"name": "gp", "space": NASBENCH201.configuration()})
        assert made == strategy("gp", NASBENCH201)

    def test_nao_is_given_its_encoder(self):
        encoder = LinearEncoder()
        configuration = NAO(NASBENCH201, encoder, NAO.Settings(seeds=7), seed=2).configuration()
        made = make(configuration, encoder=encoder)
        assert made.configuration() == configuration
        with pytest.raises(InputError, match=r"^nao needs an encoder"):
            make(configuration)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"name": "gaussian"}, "no strategy 'gaussian'"),
            ({"name": None}, "no strategy 'None'"),
            ({"name": ["gp"]}, "no strategy "),
            ({"initail": 3}, "gp has no parameter 'initail'; it has initial, proposals"),
            ({3: 3}, "gp has no parameter '3'"),
            ({"initial": []}, r"gp.initial must be a whole number, not \[\]"),
            ({"initial": 0}, "gp.initial must be at least 1, not 0"),
            ({"encoder": {}}, "gp has no parameter 'encoder'"),
            ({"seed": -1}, "seed must be at least 0"),
            ({"seed": None}, "seed must be a whole number, not None"),
        ],
    )
    def test_says_in_one_line_what_is_wrong(self, changes, message):
        with pytest.raises(InputError, match=message) as error:
            make({**CONFIGURATION, **changes})
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("configuration", [None, [], "gp", {}, {"name": "gp"}, {"space": {}}])
    def test_says_what_a_configuration_has(self, configuration):
        with pytest.raises(InputError, match=r"^the configuration of a strategy has a name, a space"):
            make(configuration)


def test_finding_the_names_imports_neither_jax_nor_scikit_learn():
    program = "import sys, nao, nao.strategies; print(sorted({'jax', 'sklearn'} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout == "[]\n"
