"""Published cells: what they are, where they were read from, and what was published about them.

Every cell is a string of the space that it is of. The numbers of activations differ between the sources, so
that the same string is another cell elsewhere; here each is read with those of its source. Where a source is
code, it is named as repository@commit:path.

Axis letters: none.
"""

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from nao.core import Architecture, InputError, SearchSpace
from nao.spaces.rnn_cell import FIXED, RNNCellSpace

ENAS_IDS = ("tanh", "relu", "identity", "sigmoid")  # also those of NAO without weight sharing
NAO_WS_IDS = ("tanh", "relu", "sigmoid", "identity")  # also those of ENAS-LM
PENN = 10_000  # different words of the Penn Treebank, the end of a sentence included
WIKITEXT2 = 33_278  # of WikiText-2


@dataclasses.dataclass(frozen=True)
class Network:
    """One network that is made of an architecture.

    Attributes:
      sizes: what it takes to build it: for a recurrent cell `units`, and `words` of the vocabulary.
      parameters: their exact number. For a recurrent cell of N nodes with h units and V words it is
        V h + V + 4 h^2 + 2 (N - 1) h^2, the embedding being tied to the output, which has a bias.
      published: what was published about it; empty for nothing.
    """

    sizes: Mapping[str, int]
    parameters: int
    published: str = ""


@dataclasses.dataclass(frozen=True)
class Published:
    """One published architecture.

    Attributes:
      name: what it is called here, and on the command line.
      architecture: a string of the space that it is of.
      source: where it was read.
      networks: those that are made of it.
      note: what else must be known.
    """

    name: str
    architecture: Architecture
    source: str
    networks: tuple[Network, ...]
    note: str = ""

    @property
    def space(self) -> SearchSpace:
        """The space that it is of."""
        return self.architecture.space


def published(name: str) -> Published | None:
    """The published architecture of that name, in capitals or not, if there is one."""
    return next((each for each in zoo() if each.name.lower() == name.lower()), None)


def express(architecture: Architecture, space: SearchSpace) -> Architecture:
    """An architecture as a string of another space that has the same cell.

    Which nodes of a recurrent cell are averaged is the space's to say, and may so change.

    Args:
      architecture: of any space.
      space: such as `nao.spaces.SPACES["rnn-cell"]`.

    Raises:
      InputError: the space has no such cell; the message says why.
    """
    ours = architecture.space
    if ours == space:
        return architecture
    if not (isinstance(ours, RNNCellSpace) and isinstance(space, RNNCellSpace)):
        raise InputError(f"an architecture of {ours.name} cannot be written as one of {space.name}")
    if ours.nodes != space.nodes:
        raise InputError(
            f"a cell of {ours.nodes} nodes is none of {space.name}, whose cells have {space.nodes}:"
            f" give the space nodes={ours.nodes}"
        )
    tokens = np.array(architecture.tokens)
    names = [ours.activations[a] for a in ours.activation_ids(tokens).tolist()]
    return _recurrent(space, ours.parents(tokens).tolist(), names)


def _recurrent(space: RNNCellSpace, parents: Sequence[int], names: Sequence[str]) -> Architecture:
    """A cell by what its nodes read and by the names of their activations, node 0 included."""
    first = [names[0]] if space.first_activation == "searched" else []
    if not first and names[0] != FIXED:
        raise InputError(f"node 0 of the cell has {names[0]}, but in {space.name} it has {FIXED}")
    rest = itertools.chain(*zip((f"node{p}" for p in parents[1:]), names[1:], strict=True))
    return space.parse(" ".join([*first, *rest]))


def _from_numbers(text: str, ids: Sequence[str], averaged: str) -> Architecture:
    """A cell as code writes it: what each node reads and its activation, where node 0 may come first."""
    numbers = [int(word) for word in text.split()]
    searched = len(numbers) % 2  # whether there is one for node 0
    first, rest = numbers[:searched] or [ids.index(FIXED)], numbers[searched:]
    activation_of_first = "searched" if searched else "fixed"
    space = RNNCellSpace(nodes=len(rest) // 2 + 1, first_activation=activation_of_first, averaged=averaged)
    return _recurrent(space, [0, *rest[::2]], [ids[a] for a in (*first, *rest[1::2])])


def _from_genotype(text: str, averaged: str) -> Architecture:
    """A cell as DARTS has it: the activation of each node from node 1 on, and what it reads."""
    words = text.split()
    space = RNNCellSpace(nodes=len(words) // 2 + 1, averaged=averaged)
    return _recurrent(space, [0, *(int(word) for word in words[1::2])], [FIXED, *words[::2]])


_NAO = "0 1 0 1 1 1 3 0 4 1 4 1 5 1 1 1 7 1 1 1 1 2"
_NAO_WS = "0 1 1 1 2 2 1 2 4 1 4 1 4 1 7 1 8 2 1 0 4 1"
_ENAS = "tanh 0 tanh 1 relu 1 tanh 3 tanh 3 relu 3 relu 4 relu 7 relu 8 relu 8 relu 8"
_ENAS_FIRST = "0 0 0 1 1 2 1 2 0 2 0 5 1 1 0 6 1 8 1 8 1 8 1"
_ENAS_LM = "0 2 1 0 2 1 2 2 4 0 5 0 3 2 6 2"
_DARTS_V1 = "relu 0 relu 1 tanh 2 relu 3 relu 4 identity 1 relu 5 relu 1"
_DARTS_V2 = "sigmoid 0 relu 1 relu 1 identity 1 tanh 2 sigmoid 5 tanh 3 relu 5"


def _penn(units: int, parameters: int, said: str = "") -> Network:
    return Network({"units": units, "words": PENN}, parameters, said)


@functools.cache
def zoo() -> Sequence[Published]:
    """Every published architecture that is known here."""
    return (
        Published(
            "NAO",
            _from_numbers(_NAO, ENAS_IDS, "searched"),
            "renqianluo/NAO@e07be44:NAO/rnn/train_ptb_final.sh",
            (
                _penn(850, 27_295_000, "27 M, test perplexity 56.0 on the Penn Treebank"),
                Network(
                    {"units": 700, "words": WIKITEXT2},
                    36_067_878,
                    "36 M, test perplexity 67.0 on WikiText-2",
                ),
            ),
        ),
        Published(
            "NAO-WS",
            _from_numbers(_NAO_WS, NAO_WS_IDS, "searched"),
            "renqianluo/NAO@e07be44:NAO-WS/rnn/train_final.sh",
            (_penn(850, 27_295_000, "27 M, test perplexity 56.6 on the Penn Treebank"),),
            "found with shared weights, where node 0 was averaged too",
        ),
        Published(
            "ENAS",
            _from_genotype(_ENAS, "loose"),
            "quark0/darts@f276dd3:rnn/genotypes.py",
            (
                _penn(850, 27_295_000),
                _penn(748, 22_037_104, "24 M, test perplexity 58.6 on the Penn Treebank"),
            ),
            "as DARTS and NAO (renqianluo/NAO@e07be44) have it; the 24 M are those of its authors",
        ),
        Published(
            "ENAS-first",
            _from_numbers(_ENAS_FIRST, ENAS_IDS, "loose"),
            "melodyguan/enas@4bcfd73:scripts/ptb_final.sh",
            (_penn(748, 22_037_104, "24 M"),),
            "the authors' first code, of which they write that its language model is wrong; not ENAS's cell",
        ),
        Published(
            "ENAS-LM",
            _from_numbers(_ENAS_LM, NAO_WS_IDS, "searched"),
            "google-research/google-research@10bf941:enas_lm/README.md",
            (_penn(800, 20_810_000, "test perplexity 56.1 +- 0.1 (TPU), 57.3 +- 0.1 (GPU), Penn Treebank"),),
            "the authors' code of 2019, whose output has no bias: 10,000 parameters fewer",
        ),
        Published(
            "DARTS-V1",
            _from_genotype(_DARTS_V1, "searched"),
            "quark0/darts@f276dd3:rnn/genotypes.py",
            (_penn(850, 22_960_000),),
        ),
        Published(
            "DARTS-V2",
            _from_genotype(_DARTS_V2, "searched"),
            "quark0/darts@f276dd3:rnn/genotypes.py",
            (_penn(850, 22_960_000, "23 M, test perplexity 55.7 to 56.1 on the Penn Treebank"),),
            "ENAS-LM's authors trained it to 58.1",
        ),
    )
