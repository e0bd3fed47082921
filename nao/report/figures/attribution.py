"""What the tokens of the best architectures contribute to the score that f expects of them.

Axis letters: K architectures, T tokens.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from nao.core import Model, Trial
from nao.report.page import Figure, Table
from nao.report.page.columns import rounded
from nao.report.page.marks import Spec, number, shown
from nao.report.tables import number as cell

MOST = 10  # architectures
MOST_BARS = 80


def contributions(model: Model, trials: Sequence[Trial]) -> Float[np.ndarray, "K T"]:
    """How much each token of some trials' architectures contributes, in units of scores."""
    from nao import analysis  # here, because it imports JAX

    tokens = np.array([trial.architecture.tokens for trial in trials], np.int32)
    return np.asarray(analysis.leave_one_out(model, tokens), np.float64)


def figures(trials: Sequence[Trial], found: Float[np.ndarray, "K T"], words: Sequence[str]) -> list[Figure]:
    """The figures: by the token, and by its position.

    Args:
      trials: the best, the answer first.
      found: their contributions.
      words: what each token is called.
    """
    tokens = np.array([trial.architecture.tokens for trial in trials])
    used = [
        (word, found[tokens == i].mean(), int(np.sum(tokens == i)))
        for i, word in enumerate(words)
        if i in tokens
    ]
    used.sort(key=lambda row: -row[1])
    ours = [words[i] for i in tokens[0]]
    by_position = [
        (f"{i}  {word}", found[:, i - 1].mean(), float(found[0, i - 1]))
        for i, word in enumerate(ours, start=1)
    ]
    said = (
        "The contribution of a token is how much lower f expects the score to be without it, on average"
        f" over what could stand in its place. Here it is averaged over the best {len(trials)}"
        " architectures"
    )
    return [
        Figure(
            name="tokens",
            title="What the tokens contribute",
            says=f"{said}, and over all places where the token stands.",
            spec=chart("tokens"),
            data={"tokens": _columns(used, "times")},
            alternative=f"Bars. {used[0][0]} contributes most, {cell(used[0][1], 4)}, and {used[-1][0]}"
            f" least, {cell(used[-1][1], 4)}.",
            table=Table(
                ("token", "contribution", "times"), [[w, cell(c, 5), str(int(n))] for w, c, n in used]
            ),
            height=max(60, 22 * min(len(used), MOST_BARS)),
        ),
        Figure(
            name="positions",
            title="What the positions contribute",
            says=f"{said}, at each position of the string. The names are the tokens of the best one.",
            spec=chart("positions"),
            data={"positions": _columns(by_position[:MOST_BARS], "own")},
            alternative=f"Bars over {len(by_position)} positions, from {cell(found.mean(axis=0).min(), 4)}"
            f" to {cell(found.mean(axis=0).max(), 4)}.",
            table=Table(
                ("position", "contribution", "in the best one"),
                [[w, cell(c, 5), cell(own, 5)] for w, c, own in by_position],
            ),
            height=max(60, 17 * min(len(by_position), MOST_BARS)),
        ),
    ]


def _columns(rows: Sequence[tuple[str, float, float | int]], third: str) -> dict[str, list[object]]:
    """The bars as a data set."""
    names, values, others = zip(*rows, strict=True)
    return {"token": list(names), "contribution": list(rounded(values)), third: list(rounded(others))}


def chart(name: str) -> Spec:
    """Bars beside the names of the tokens, in the order of the data."""
    return {
        "data": {"name": name},
        "mark": {"type": "bar"},
        "encoding": {
            "y": {
                "field": "token",
                "type": "nominal",
                "title": None,
                "sort": None,
                "axis": {"labelLimit": 150, "labelOverlap": False, "ticks": False, "domain": False},
            },
            "x": number("contribution", "contribution to the score", zero=True, axis={"grid": True}),
            "tooltip": shown(token="token", contribution=("contribution", ".5f")),
        },
    }
