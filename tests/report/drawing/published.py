"""Published cells, as their authors' released code has them.

`3 = sep5(c) + sep3(p)` reads the cell before (c) and the one before that (p); `out` is what is
concatenated.
In a recurrent cell every node applies an activation to one node, and `out` lists what is averaged.
"""

import re

from nao.graph import Cell, Edge, Graph, Node

WORDS = {"sep": "sep-conv", "dil": "dil-conv", "avg": "avg-pooling", "max": "max-pooling"}
WORDS |= {"dilsep": "dil-sep-conv", "conv": "conv"}
CONVOLUTIONAL = {
    "NASNet-A": (
        "3 = sep5(c) + sep3(p); 4 = sep5(p) + sep3(p); 5 = avg3(c) + id(p); 6 = avg3(p) + avg3(p);"
        " 7 = sep3(c) + id(c); out p 3 4 5 6 7",
        "3 = sep5(c) + sep7(p); 4 = max3(c) + sep7(p); 5 = avg3(c) + sep5(p); 6 = id(4) + avg3(3);"
        " 7 = sep3(3) + max3(c); out 4 5 6 7",
    ),
    "AmoebaNet-A": (
        "3 = avg3(c) + max3(c); 4 = sep3(p) + id(p); 5 = id(c) + avg3(p); 6 = sep3(c) + sep5(3);"
        " 7 = avg3(6) + sep3(c); out p 4 5 7",
        "3 = sep3(p) + avg3(c); 4 = max3(c) + sep7(3); 5 = max3(p) + max3(c);"
        " 6 = sep3(5) + conv1x7+7x1(c); 7 = avg3(p) + sep7(c); out 3 4 5 6 7",
    ),
    "AmoebaNet-B": (
        "3 = conv1(p) + max3(p); 4 = id(p) + sep3(c); 5 = conv1(p) + sep3(c); 6 = conv1(3) + id(3);"
        " 7 = avg3(p) + conv1(6); out c 4 5 7",
        "3 = max2(c) + max3(c); 4 = id(3) + conv3(p); 5 = dilsep5(3) + max3(3); 6 = id(4) + sep3(p);"
        " 7 = avg3(5) + conv1(4); out 6 7",
    ),
    "PNASNet-5": (
        "3 = sep5(p) + max3(p); 4 = sep7(c) + max3(c); 5 = sep5(c) + sep3(c); 6 = sep3(5) + max3(c);"
        " 7 = sep3(p) + id(c); out 3 4 5 6 7",
    ),
    "ENAS": (
        "3 = avg3(p) + sep3(p); 4 = id(p) + sep5(p); 5 = id(p) + sep5(c); 6 = sep3(c) + sep5(p);"
        " 7 = avg3(p) + sep5(c); out 3 4 5 6 7",
        "3 = sep3(c) + sep3(c); 4 = max3(p) + avg3(p); 5 = sep5(c) + sep5(4); 6 = sep3(c) + id(p);"
        " 7 = max3(p) + sep5(c); out 3 5 6 7",
    ),
    "DARTS V1": (
        "3 = sep3(c) + sep3(p); 4 = skip(p) + sep3(c); 5 = skip(p) + sep3(c); 6 = sep3(p) + skip(3);"
        " out 3 4 5 6",
        "3 = max3(p) + max3(c); 4 = skip(3) + max3(p); 5 = max3(p) + skip(3); 6 = skip(3) + avg3(p);"
        " out 3 4 5 6",
    ),
    "DARTS V2": (
        "3 = sep3(p) + sep3(c); 4 = sep3(p) + sep3(c); 5 = sep3(c) + skip(p); 6 = skip(p) + dil3(3);"
        " out 3 4 5 6",
        "3 = max3(p) + max3(c); 4 = skip(3) + max3(c); 5 = max3(p) + skip(3); 6 = skip(3) + max3(c);"
        " out 3 4 5 6",
    ),
    "NAONet": (
        "3 = conv3(p) + avg5(c); 4 = conv1x3+3x1(3) + conv3(c); 5 = conv1(p) + conv3(c);"
        " 6 = conv1x3+3x1(p) + conv3(5); 7 = id(c) + conv3(p); out 4 6 7",
        "3 = conv3(p) + avg2(c); 4 = conv1(p) + avg3(p); 5 = conv1x7+7x1(p) + max2(c);"
        " 6 = avg3(p) + conv1(3); 7 = max3(c) + conv3(p); out 4 5 6 7",
    ),
    "NAONet-WS": (
        "3 = sep5(p) + id(p); 4 = avg3(3) + max3(c); 5 = sep3(c) + sep3(3); 6 = max3(3) + max3(c);"
        " 7 = avg3(c) + id(p); out 4 5 6 7",
        "3 = sep5(c) + max3(p); 4 = max3(3) + max3(3); 5 = sep3(c) + sep5(p); 6 = id(p) + id(3);"
        " 7 = max3(3) + max3(3); out 4 5 6 7",
    ),
    "NAONet-B": (
        "3 = sep5(p) + avg3(p); 4 = sep5(p) + avg3(3); 5 = max3(c) + avg3(p); 6 = sep3(5) + max3(c);"
        " 7 = sep5(3) + max3(p); out 4 6 7",
        "3 = sep5(c) + sep3(c); 4 = sep5(3) + id(3); 5 = sep3(c) + max3(3); 6 = sep5(4) + avg3(3);"
        " 7 = avg3(p) + avg3(p); out 5 6 7",
    ),
}
RECURRENT = {  # activations with what they read, and what is averaged
    "NAO": ("relu0 relu0 relu1 tanh3 relu4 relu4 relu5 relu1 relu7 relu1 identity1", range(1, 12)),
    "NAO-WS": (
        "relu0 relu1 sigmoid2 sigmoid1 relu4 relu4 relu4 relu7 sigmoid8 tanh1 relu4",
        range(1, 12),
    ),
    "DARTS V1": ("relu0 relu1 tanh2 relu3 relu4 identity1 relu5 relu1", range(1, 9)),
    "DARTS V2": ("sigmoid0 relu1 relu1 identity1 tanh2 sigmoid5 tanh3 relu5", range(1, 9)),
    "ENAS": (
        "tanh0 tanh1 relu1 tanh3 tanh3 relu3 relu4 relu7 relu8 relu8 relu8",
        (2, 5, 6, 9, 10, 11),
    ),
}


def operation(short):
    """`sep5` in full: `sep-conv 5x5`."""
    name, size = re.fullmatch(r"([a-z]+)(.*)", short).groups()
    if name in ("id", "skip"):
        return {"id": "identity", "skip": "skip"}[name]
    return f"{WORDS[name]} {size if 'x' in size else f'{size}x{size}'}"


def cell(name, formulas):
    """A convolutional cell."""
    *steps, out = formulas.split("; ")
    names = ["p", "c", *(step.split(" = ")[0] for step in steps)]
    edges = [
        Edge(names.index(source), target, operation(short))
        for target, step in enumerate(steps, 2)
        for short, source in re.findall(r"(\S+)\((\w+)\)", step.split(" = ")[1])
    ]
    edges += [Edge(names.index(source), len(names)) for source in out.split()[1:]]
    nodes = (*map(Node, names), Node("output", combiner="concat"))
    return Cell(name, nodes, tuple(edges), inputs=2)


def recurrent(text, averaged):
    """A recurrent cell."""
    read = [re.fullmatch(r"([a-z]+)(\d+)", word).groups() for word in text.split()]
    inner = [Node(f"node{v}", activation) for v, (activation, _) in enumerate(read, 1)]
    nodes = (Node("input"), *inner, Node("output", combiner="mean"))
    edges = [Edge(int(source), v) for v, (_, source) in enumerate(read, 1)]
    edges += [Edge(v, len(nodes) - 1) for v in averaged]
    return Graph((Cell("", nodes, tuple(edges)),))


CELLS = {
    name: Graph(tuple(map(cell, ("normal", "reduction") if len(each) > 1 else ("",), each)))
    for name, each in CONVOLUTIONAL.items()
}
RECURRENT_CELLS = {f"{name} recurrent": recurrent(*each) for name, each in RECURRENT.items()}
ALL = CELLS | RECURRENT_CELLS
