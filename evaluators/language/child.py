"""What one language model is and how long it is trained: the settings of a measurement.

`LanguageChild()` is sized for a small text on a CPU. On the words of Python's help topics (47,666 tokens of
1,747 types) a child of `rnn-cell` takes 0.8 CPU seconds and comes to a validation loss of 4.55 +- 0.02 nats,
where the unigram entropy is 5.40; the scores of two training seeds correlate with Spearman's rho 0.83 over 30
random cells (benchmarks/language.py). In `rnn-tree`, whose cells differ far more, these are 5.04 +- 0.33 and
0.99. After six passes in place of one, which take six times as long, the loss is 4.17 +- 0.015: the cells
then differ by little more than two seeds do.

Axis letters: none.
"""

import dataclasses
from typing import Literal

from nao.core import InputError
from nao.settings import above, at_least, check


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguageChild:
    """How a language model is built and trained: SGD with clipping, by truncated back-propagation.

    The dropout is variational (Gal & Ghahramani 2016): one mask for all words of a window. In the published
    code (Merity et al. 2018; Liu et al. 2019) the rates are, in this order, dropoute, dropouti, dropoutx,
    dropouth and dropout.

    Attributes:
      units: of the state, and of the embedding, which is also the matrix of the output.
      batch: streams of the text that are read side by side.
      window: tokens of a stream in a step; gradients do not reach further back, but the state goes on.
      epochs: passes over the training text.
      steps: training steps, in place of `epochs`.
      learning_rate: at the start.
      schedule: the rate falls to zero along a `cosine` (Loshchilov & Hutter 2017), or is `constant`.
      momentum: Nesterov's; 0 for none.
      clip: largest norm of a gradient.
      weight_decay: of every weight.
      average: the share of the steps, the last ones, over whose weights the mean is taken, which is then
        evaluated: averaged SGD (Polyak & Juditsky 1992). It is meant for a constant rate.
      nonmonotone: n, in place of that share: the mean begins after the first epoch whose validation loss is
        above the lowest of those before the last n (Merity et al. 2018); 0 for no mean.
      drop_words: how often a type is left out of the input, everywhere in a window.
      drop_embedding: dropout of embedded words.
      drop_input: dropout of the input of the cell, after that.
      drop_hidden: dropout of the states that are multiplied by weights.
      drop_output: dropout of the output of the cell.
      alpha: weight of the mean square of the outputs of the cell after dropout (Merity et al. 2017).
      beta: weight of the mean square of the difference between successive outputs before dropout; a window of
        one word has none.
      score: what a search maximises, on the validation split: `loss` is minus the mean negative log
        likelihood of a token, -log(perplexity); `perplexity` is scale / perplexity^2 (Zoph & Le 2017).
      scale: of the score `perplexity`.

    Raises:
      InputError: a value is of the wrong type or out of range.
    """

    units: int = 32
    batch: int = 16
    window: int = 10
    epochs: int = 1
    steps: int | None = None
    learning_rate: float = 20.0
    schedule: Literal["cosine", "constant"] = "cosine"
    momentum: float = 0.0
    clip: float = 0.25
    weight_decay: float = 1e-6
    average: float = 0.0
    nonmonotone: int = 0
    drop_words: float = 0.0
    drop_embedding: float = 0.0
    drop_input: float = 0.0
    drop_hidden: float = 0.0
    drop_output: float = 0.0
    alpha: float = 0.0
    beta: float = 0.0
    score: Literal["loss", "perplexity"] = "loss"
    scale: float = 80.0

    def __post_init__(self) -> None:
        rates = ("drop_words", "drop_embedding", "drop_input", "drop_hidden", "drop_output")
        check(
            self,
            "child",
            units=at_least(1),
            batch=at_least(1),
            window=at_least(1),
            epochs=at_least(1),
            steps=at_least(1),
            learning_rate=above(0),
            momentum=at_least(0, at_most=1),
            clip=above(0),
            weight_decay=at_least(0),
            average=at_least(0, at_most=1),
            nonmonotone=at_least(0, at_most=1000),
            **{rate: at_least(0, at_most=0.99) for rate in rates},
            alpha=at_least(0),
            beta=at_least(0),
            scale=above(0),
        )
        if self.average and self.nonmonotone:
            raise InputError(
                "child: give average or nonmonotone, not both, as they say where the mean begins"
            )

    def count_steps(self, windows: int) -> int:
        """How many steps a training on a text of so many windows has."""
        return self.steps or self.epochs * windows
