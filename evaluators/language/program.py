"""Language modelling as a program: networks of one recurrent cell, trained on one text.

Axis letters: n architectures.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nao.core import Architecture, Cost, Fidelity, InputError, Json
from nao.data import Text, as_text
from nao.data import make as make_data
from nao.evaluators.language import training
from nao.evaluators.language.child import LanguageChild
from nao.evaluators.language.cost import count_cost, count_memory
from nao.evaluators.language.gated import GatedCell
from nao.evaluators.language.network import Cell, Network
from nao.evaluators.language.tree import TreeCell
from nao.evaluators.language.windows import Windows, arrange, count_windows
from nao.evaluators.program import PyTree, Report, check_parts, steps_of
from nao.settings import LARGEST, build
from nao.spaces import RecurrentSpace, RNNCellSpace
from nao.spaces import make as make_space


@dataclasses.dataclass(frozen=True)
class LanguageProgram:
    """Trains language models (a `nao.evaluators.program.Program`).

    The score is a function of the perplexity on the validation split; see `LanguageChild.score`. The time to
    compile grows with the square of the nodes of a cell: from seconds for 12 to a minute for 40.

    Attributes:
      space: of recurrent cells.
      text: what to train on.
      child: what the network is and how it is trained.

    Raises:
      InputError: the parts do not fit each other.
    """

    space: RecurrentSpace
    text: Text
    child: LanguageChild = dataclasses.field(default_factory=LanguageChild)

    def __post_init__(self) -> None:
        text, child = self.text, self.child
        if min(len(text.valid), len(text.test)) < 2:
            raise InputError(f"{text.name} has no word to predict in its validation or its test text")
        if self._windows < 1:
            raise InputError(
                f"{text.name} has {len(text.train):,} training tokens, too few for {child.batch} streams of a"
                f" window of {child.window}: use fewer (--child batch=N) or a shorter one (--child window=N)"
            )
        if (steps := child.count_steps(self._windows)) > LARGEST:
            raise InputError(
                f"{child.epochs:,} epochs of {text.name} are {steps:,} steps, and a training has {LARGEST:,}"
                " at most: use fewer (--child epochs=N)"
            )
        _ = self.network  # knows all activations, or says which one it does not

    @functools.cached_property
    def network(self) -> Network:
        """What is fixed when the program is compiled."""
        units, space = self.child.units, self.space
        cell: Cell = GatedCell(space, units) if isinstance(space, RNNCellSpace) else TreeCell(space, units)
        return Network(cell, self.text.types)

    @property
    def _windows(self) -> int:
        """Of the training split."""
        return count_windows(self.text, self.child.window, self.child.batch)

    @property
    def data(self) -> Windows:
        """The text, on the host."""
        return arrange(self.text, self.child.window, self.child.batch)

    @property
    def memory(self) -> int:
        """See `Program`."""
        return count_memory(self.network, self.child)

    def encode(self, architectures: Sequence[Architecture]) -> PyTree:
        """The cell of each architecture, as arrays that begin with an axis `[n]`."""
        return self.network.cell.encode(np.array([each.tokens for each in architectures], np.int32))

    def count_steps(self, fidelity: Fidelity) -> int:
        """As many as the fidelity says, at most the child's own."""
        return steps_of(fidelity, self.child.count_steps(self._windows))

    def train(self, architecture: PyTree, seed: Any, steps: Any, data: Windows) -> training.Outcome:
        """See `Program`, and `nao.evaluators.language.training`."""
        return training.train(self.network, self.child, architecture, seed, steps, data)

    def report(self, outcome: training.Outcome) -> Report:
        """Mean losses of a token and perplexities; a training whose loss did not stay finite has failed."""
        metrics = {"train_loss": float(outcome.train_loss)}
        scores: dict[str, float] = {}
        for i, (split, tokens) in enumerate((("valid", self.text.valid), ("test", self.text.test))):
            loss = float(outcome.loss[i]) / (len(tokens) - 1)
            metrics[f"{split}_loss"] = loss
            with np.errstate(over="ignore"):  # a perplexity may be beyond all numbers
                metrics[f"{split}_perplexity"] = float(np.exp(loss))
            scores[split] = self._score(loss)
        test_score = scores["test"] if np.isfinite(scores["test"]) else None
        if np.isfinite([outcome.train_loss, outcome.loss[0]]).all():
            return Report(scores["valid"], test_score, metrics)
        reason = f"diverged: the loss was not finite after {int(outcome.steps)} steps"
        return Report(None, test_score, metrics, reason)

    def _score(self, loss: float) -> float:
        """What a search maximises, from nats per token."""
        if self.child.score == "loss":
            return -loss
        return float(self.child.scale * np.exp(-2 * loss))

    def cost(self, architecture: Architecture) -> Cost:
        """Parameters, and FLOPs of one word."""
        return count_cost(self.network)

    def configuration(self) -> Mapping[str, Json]:
        """What identifies the program in a study, and what `make` takes."""
        return {
            "program": "language",
            "space": self.space.configuration(),
            "data": self.text.configuration(),
            "child": dataclasses.asdict(self.child),
        }


def make(configuration: Mapping[str, Json]) -> LanguageProgram:
    """The program that a configuration describes.

    Raises:
      InputError: a part of it cannot be made, or the text is no longer what it was.
    """
    check_parts(configuration, "a language program")
    space = make_space(configuration["space"])
    if not isinstance(space, RecurrentSpace):
        raise InputError(f"{space.name} has no language model: give a space of recurrent cells, as rnn-cell")
    child = build(LanguageChild, "child", configuration["child"])
    return LanguageProgram(space, as_text(make_data(configuration["data"])), child)
