"""Which strategies are compared, as it is written on the command line."""

import pytest

from nao.compare.entries import SHARED, Entry, entries
from nao.core import InputError


def test_names_labels_and_parameters():
    found = entries(
        "nao, old=nao,gp",
        ["old.encoder=published", "nao.seeds=50", "nao.rate=0.5", "nao.fast=true", "gp.kernel=rbf=2"],
    )
    assert list(found) == ["nao", "old", "gp"]
    assert found["nao"] == Entry("nao", {"seeds": 50, "rate": 0.5, "fast": True})
    assert found["old"] == Entry("nao", {"encoder": "published"})
    assert found["gp"] == Entry("gp", {"kernel": "rbf=2"})


def test_a_label_may_have_a_dot():
    assert entries("v1.0=nao", ["v1.0.seeds=3"]) == {"v1.0": Entry("nao", {"seeds": 3})}


def test_what_cannot_be_read_is_text():
    assert entries("nao", [f"nao.encoder={'[' * 100_000}"])["nao"].parameters["encoder"][0] == "["


@pytest.mark.parametrize(
    ("strategies", "parameters", "complaint"),
    [
        ("", [], "takes NAME or LABEL=NAME, separated by commas, not ''"),
        ("nao,,gp", [], "separated by commas"),
        ("nao=", [], "takes NAME or LABEL=NAME"),
        ("nao,nao", [], "nao is there twice; tell them apart by labels, LABEL=nao"),
        ("a=nao,a=gp", [], "a is there twice"),
        ("nao", ["seeds=3"], "takes LABEL.PARAMETER=VALUE"),
        ("nao", ["nao.seeds"], "takes LABEL.PARAMETER=VALUE"),
        ("nao", ["gp.seeds=3"], "there is no 'gp'; the strategies are nao"),
        ("nao", ["nao.seed=3"], "every repeat has a seed of its own; --seed says the first"),
        *(("nao", [f"nao.{each}=x"], f"--param nao.{each}=x: ") for each in SHARED),
    ],
)
def test_refused(strategies, parameters, complaint):
    with pytest.raises(InputError) as error:
        entries(strategies, parameters)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)
