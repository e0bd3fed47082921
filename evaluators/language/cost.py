"""What a language model costs: parameters, FLOPs, memory. They are the same for all architectures of a space.

Axis letters: none.
"""

from nao.core import Cost
from nao.evaluators.language.child import LanguageChild
from nao.evaluators.language.network import Network

FLOAT = 4  # bytes


def count_cost(network: Network) -> Cost:
    """Parameters and FLOPs of one word: two for each weight of the cell and of the softmax.

    With the embedding tied, a cell of K nodes has V h + V + 4 h^2 + 2 (K - 1) h^2 parameters, and a tree of
    base N has V h + V + 2 N h^2.
    """
    multiply_adds = network.parameters - network.types  # but those of the bias
    return Cost(network.parameters, 2 * multiply_adds)


def count_memory(network: Network, child: LanguageChild) -> int:
    """Bytes that a training takes at least: weights and gradients, and what the backward pass reads.

    That is the states, and the logits with their gradients.
    """
    copies = 2 + (child.average > 0 or child.nonmonotone > 0) + (child.momentum > 0)
    of_word = 3 * network.cell.units + 2 * network.types
    return FLOAT * (copies * network.parameters + child.window * child.batch * of_word)
