"""The space of NAS-Bench-201 (Dong and Yang 2020), which is also the topology space of NATS-Bench.

A cell has four nodes. Node 0 is its input and node 3 its output; every other node is the sum of its
incoming edges, and each of the six edges, from a node to a later one, carries one operation. It is
published as the edges into node 1, into node 2 and into node 3:

    |nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|

The tokens are the operations in that order.
"""

import itertools
import re
from collections.abc import Sequence

from nao.core import InputError
from nao.graph import Cell, Edge, Graph, Node
from nao.spaces.listed import ListedSpace

NAME = "nasbench201"
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # of each token, from a node to a node
OUTPUT = 3
NONE, SKIP = 0, 1
REAL = (2, 3, 4)  # the operations that do something
ZERO = "#"  # the key of a node that nothing reaches
PATHS = [path for steps in range(4) for path in itertools.product(REAL, repeat=steps)]


def write_key(tokens: Sequence[int]) -> str:
    """What a cell computes: the unique string of Dong and Yang 2020, of which 15,625 cells have 6,466.

    A node is the sum of its incoming edges, in any order. The edge `none` is zero, `skip_connect` is its
    source, and another edge is its operation applied to its source. Any edge from a node that is zero alone
    is zero too. As published, a zero stays a term of a sum, so some cells that compute the same keep
    different keys.
    """
    node = ["0"]
    for j in range(1, OUTPUT + 1):
        terms = []
        for (i, to), operation in zip(EDGES, tokens, strict=True):
            if to == j and (operation == NONE or node[i] == ZERO):
                terms.append(ZERO)
            elif to == j:
                terms.append(node[i] if operation == SKIP else f"({node[i]}){operation}")
        node.append("+".join(sorted(terms)))
    return node[OUTPUT]


def count_paths(tokens: Sequence[int]) -> list[float]:
    """The path encoding of a cell (White, Neiswanger and Savani 2021).

    Returns:
      For each of the 1 + 3 + 9 + 27 sequences of up to three real operations, how many paths from the
      input to the output apply just these. `skip_connect` adds nothing to a sequence, `none` ends a path.
    """
    to_node: list[list[tuple[int, ...]]] = [[()], [], [], []]
    for (i, j), operation in sorted(zip(EDGES, tokens, strict=True)):
        if operation != NONE:
            step = () if operation == SKIP else (operation,)
            to_node[j] += [(*path, *step) for path in to_node[i]]
    return [float(to_node[OUTPUT].count(path)) for path in PATHS]


def draw(tokens: Sequence[int]) -> Graph:
    """The graph of a cell; the edges `none` are left out."""
    nodes = tuple(Node(name) for name in ("input", "node1", "node2", "output"))
    moves = zip(EDGES, tokens, strict=True)
    edges = (Edge(i, j, OPERATIONS[token]) for (i, j), token in moves if token != NONE)
    return Graph((Cell("", nodes, tuple(edges)),))


def join(operations: Sequence[str]) -> str:
    """Joins six operations into the published string."""
    edges = [f"{name}~{i}" for name, (i, _) in zip(operations, EDGES, strict=True)]
    return f"|{edges[0]}|+|{edges[1]}|{edges[2]}|+|{edges[3]}|{edges[4]}|{edges[5]}|"


def split(text: str) -> str:
    """Splits a published string into its six words; other text is taken for the words themselves.

    Raises:
      InputError: the text has `|` or `~`, but not where a published string has them.
    """
    if not {"|", "~"} & set(text):
        return text
    words = re.findall(r"([^|~+\s]+)~\d", text)
    if len(words) != len(EDGES) or "".join(text.split()) != join(words):
        raise InputError(f"{NAME}: a string is written {join(['op'] * len(EDGES))}, or as six operations")
    return " ".join(words)


NASBENCH201 = ListedSpace(NAME, OPERATIONS, len(EDGES), write_key, count_paths, draw, join, split)
"""5^6 = 15,625 strings, 6,466 of them different."""
