"""The cells of NAS-Bench-NLP (Klyuchnikov et al. 2022): what they compute, and what a tree lacks for it.

A part of `nbnlp.py`. A cell maps the name of a node to its `op` and `input`. It reads x and h_prev_i; h_new_i
is what it hands on, and h_new_0 is its output.

Axis letters: T steps, U units.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

Cell = Mapping[str, Mapping[str, Any]]
Array = np.ndarray
Weights = Mapping[tuple[str, int], Array]  # of each input of each linear node
WORDS = {"tanh": "tanh", "sigm": "sigmoid", "leaky_relu": "relu", "sum": "add", "prod": "multiply"}
FUNCTIONS: dict[str, Callable[..., Array]] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "add": np.add,
    "multiply": np.multiply,
}


class Form(NamedTuple):
    """A function of x and h: `linear`, with the matrices of both, or a word applied to further forms."""

    word: str
    parts: tuple["Form", ...] = ()
    x: Array = np.zeros((0, 0))
    h: Array = np.zeros((0, 0))

    def __str__(self) -> str:
        return f"{self.word}({', '.join(map(str, self.parts))})" if self.parts else self.word


def op(node: Mapping[str, Any]) -> str:
    return str(node["op"]).removeprefix("activation_").removeprefix("elementwise_")


def live(cell: Cell) -> Cell:
    """The nodes that reach the output, at this step or a later one."""
    found: dict[str, Mapping[str, Any]] = {}
    waiting = ["h_new_0"]
    while waiting:
        name = waiting.pop().replace("h_prev", "h_new")
        if name in cell and name not in found:
            found[name] = cell[name]
            waiting += cell[name]["input"]
    return found


def key(cell: Cell) -> str:
    """Equal for cells that differ in the names of nodes and in the order of inputs alone."""

    def unfolded(name: str) -> str:
        if name not in cell:
            return name
        keys = [unfolded(each) for each in cell[name]["input"]]
        return f"{op(cell[name])}({' '.join(keys if op(cell[name]) == 'blend' else sorted(keys))})"

    outputs = sorted((name, unfolded(name)) for name in cell if name.startswith("h_new"))
    edges = sorted((unfolded(name), unfolded(each)) for name in cell for each in cell[name]["input"])
    return f"{outputs} {edges}"  # edges tell a node that is read twice from two equal ones


def obstacles(cell: Cell) -> set[str]:
    """Why no tree contains a cell."""
    found = {"blend" for node in cell.values() if op(node) == "blend"}
    found |= {"leaky relu" for node in cell.values() if op(node) == "leaky_relu"}

    def is_linear(name: str) -> bool:
        within = name not in cell or op(cell[name]) in ("linear", "sum")
        return within and all(is_linear(each) for each in cell.get(name, {"input": []})["input"])

    reads = {each for node in cell.values() if op(node) == "linear" for each in node["input"]}
    if not all(map(is_linear, reads)):
        found.add("a matrix after an activation or a product")
    states = {name for name in cell if name.startswith("h_new")}
    if len(states) > 2:
        found.add("more than two states")
    elif len(states) == 2:
        matrix = any(each.startswith("h_prev") and each != "h_prev_0" for each in reads)
        found.add("a matrix on the second state" if matrix else "a second state read in another way")
    return found


def random_weights(cell: Cell, units: int) -> dict[tuple[str, int], Array]:
    """A matrix `[U, U]` for each input of each linear node."""
    rng = np.random.default_rng(0)
    linear = [(name, len(node["input"])) for name, node in cell.items() if op(node) == "linear"]
    inputs = [(name, i) for name, inputs in linear for i in range(inputs)]
    return {each: rng.normal(size=(units, units)) / units**0.5 for each in inputs}


def run_cell(cell: Cell, weights: Weights, xs: Float[Array, "T U"]) -> Float[Array, "T U"]:
    """The outputs `[T, U]` of a cell of one state, node by node, with leaky relu as relu."""
    h, outputs = np.zeros_like(xs[0]), []
    for x in xs:

        def value(name: str, x: Array = x, h: Array = h) -> Array:
            if name not in cell:
                return x if name == "x" else h
            read = [value(each) for each in cell[name]["input"]]
            if op(cell[name]) == "linear":
                return np.asarray(sum(each @ weights[name, i] for i, each in enumerate(read)))
            return FUNCTIONS[WORDS[op(cell[name])]](*read)

        h = value("h_new_0")
        outputs.append(h)
    return np.array(outputs)


def form(cell: Cell, weights: Weights, units: int, name: str = "h_new_0") -> Form:
    """What a cell without obstacles computes: linear nodes of linear nodes, and sums of them, are merged."""
    if name not in cell:
        one = np.eye(units)
        return Form("linear", x=one * (name == "x"), h=one * (name != "x"))
    parts = [form(cell, weights, units, each) for each in cell[name]["input"]]
    if op(cell[name]) == "linear":
        maps = [weights[name, i] for i in range(len(parts))]
        parts = [Form("linear", x=f.x @ m, h=f.h @ m) for f, m in zip(parts, maps, strict=True)]
    elif op(cell[name]) != "sum":
        return Form(WORDS[op(cell[name])], tuple(parts))
    terms = [term for part in parts for term in (part.parts if part.word == "add" else (part,))]
    merged = [term for term in terms if term.word != "linear"]
    if linear := [term for term in terms if term.word == "linear"]:
        x, h = np.sum([f.x for f in linear], axis=0), np.sum([f.h for f in linear], axis=0)
        merged.append(Form("linear", x=x, h=h))
    return merged[0] if len(merged) == 1 else Form("add", tuple(merged))


def linear_parts(f: Form) -> list[Form]:
    """The linear maps in a form."""
    return [f] if f.word == "linear" else [each for part in f.parts for each in linear_parts(part)]


def are_free(cell: Cell) -> bool:
    """Whether the matrices in the form of a cell can be anything: the rank of how they follow its weights."""
    weights = random_weights(cell, 1)

    def numbers(weights: Weights) -> Array:
        return np.array([(f.x[0, 0], f.h[0, 0]) for f in linear_parts(form(cell, weights, 1))]).ravel()

    moved = [numbers({**weights, each: weights[each] + 1e-3}) - numbers(weights) for each in weights]
    return bool(np.linalg.matrix_rank(np.array(moved), tol=1e-6) == len(numbers(weights)))
