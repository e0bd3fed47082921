"""The cells of NAS-Bench-101: which strings there are, and which of them are one graph."""

import itertools

import numpy as np
import pytest
import scipy.stats

from nao.core import Architecture, InputError
from nao.spaces.dag import Columns
from nao.spaces.nasbench101 import NASBENCH101, NASBench101Space
from tests.spaces.all_spaces import array, every_string

CONV1, CONV3, POOL = NASBENCH101.operations
SMALL = NASBench101Space("small", NASBENCH101.operations, vertices=4, edges=4)
FIVE = NASBench101Space("five", NASBENCH101.operations, vertices=5)
# The cell of the benchmark's own example: Inception-like, with the 5x5 convolution as two of 3x3.
EXAMPLE = (
    [
        [0, 1, 1, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 0],
    ],
    [CONV1, CONV3, CONV3, CONV3, POOL],
)


def architecture(matrix, operations, space=NASBENCH101):
    return Architecture(space.tokens_of(matrix, operations), space)


def pruned(space, tokens):
    """The edges and operations on paths from input to output, found by walking every path."""
    last = space.vertices - 1
    token = dict(zip(space._columns.pairs, tokens, strict=True))
    paths, finished = [(0,)], []
    while paths:
        path = paths.pop()
        finished += [path] if path[-1] == last else []
        paths += [(*path, j) for j in range(path[-1] + 1, last + 1) if token[path[-1], j] == 1]
    edges = {edge for path in finished for edge in itertools.pairwise(path)}
    return edges, {v: token[v, v] for path in finished for v in path[1:-1]}, finished


def isomorphic(one, other):
    """Whether some renaming of the interior vertices makes two pruned graphs equal: tries them all."""
    (edges, operations, _), (others, names, _) = one, other
    ends = {v for edge in edges for v in edge} - operations.keys()
    return any(
        {(to[i], to[j]) for i, j in edges} == others and {to[v]: o for v, o in operations.items()} == names
        for order in itertools.permutations(names)
        if len(names) == len(operations)
        for to in [dict(zip(operations, order, strict=True)) | {v: v for v in ends}]
    )


def test_it_is_a_space_of_26_tokens():
    assert NASBENCH101.length == 26
    assert NASBENCH101.vocabulary == ("0", "1", "conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3")


def test_the_strings_are_all_cells_of_few_edges_that_lead_from_input_to_output():
    """Counted without the grammar: every set of edges times every choice of operations."""
    edges = list(itertools.combinations(range(SMALL.vertices), 2))
    count = 0
    for bits in itertools.product((0, 1), repeat=len(edges)):
        reached = {0}
        for (i, j), bit in sorted(zip(edges, bits, strict=True)):  # by the vertex that is read
            reached |= {j} if bit and i in reached else set()
        count += (SMALL.vertices - 1 in reached and sum(bits) <= SMALL.edges) * 3**2
    strings = every_string(SMALL)
    assert len(strings) == SMALL.size == count


def test_every_state_can_be_left():
    """No prefix is a dead end: where a token is legal, another one or the end follows."""
    grammar = NASBENCH101.grammar
    for t, s, v in np.argwhere(grammar.legal[:-1]).tolist():
        assert grammar.legal[t + 1, grammar.following[t, s, v]].any()


def test_no_string_has_ten_edges_or_an_unconnected_output(rng):
    for drawn in NASBENCH101.sample(rng, 300):
        _, _, paths = pruned(NASBENCH101, drawn.tokens)
        assert paths
        assert drawn.tokens.count(1) <= 9


def test_sampling_is_uniform(rng):
    strings, counts = np.unique(SMALL.grammar.sample(rng, 20 * SMALL.size), axis=0, return_counts=True)
    assert len(strings) == SMALL.size
    assert scipy.stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize(
    ("vertices", "unlabelled", "graphs"),
    [(3, 3, 7), (4, 13, 91), (5, 110, 2532), (6, 920, 64542), (7, 2494, 423_624)],
)
def test_the_published_number_of_graphs(vertices, unlabelled, graphs):
    """All graphs of at most so many vertices and 9 edges: first without operations, then with them."""
    columns = Columns(vertices, 3)
    i, j = np.array(columns.pairs).T
    bits = np.arange((i < j).sum(), dtype=np.int32)
    edges = (np.arange(2 ** len(bits), dtype=np.int32)[:, None] >> bits & 1).astype(np.int8)
    edges = edges[edges.sum(axis=1) <= 9]

    def different(strings):
        numbers = np.concatenate(
            [columns.number_graphs(strings[s : s + 2048]) for s in range(0, len(strings), 2048)]
        )
        return columns.prune(strings[np.unique(numbers, return_index=True)[1]])

    strings = np.full((len(edges), len(columns.pairs)), 2, np.int8)
    strings[:, i < j] = edges
    strings = columns.prune(strings)
    strings = strings[np.unique(strings[:, i < j] @ (1 << bits), return_index=True)[1]]  # most are equal now
    bare = different(strings)
    bare = bare[(bare == 1).any(axis=1)]  # the output is reached
    assert len(bare) == unlabelled
    labels = np.array(list(itertools.product((2, 3, 4), repeat=vertices - 2)))
    labelled = np.repeat(bare, len(labels), axis=0)
    labelled[:, i == j] = np.tile(labels, (len(bare), 1))
    assert len(different(labelled)) == graphs


def test_keys_are_equal_exactly_for_isomorphic_graphs(rng):
    """Against a search through all renamings, on random pairs and on pairs that were made to be close."""
    strings = [a.tokens for a in NASBENCH101.sample(rng, 60)]
    strings += [NASBENCH101.mutate(Architecture(s, NASBENCH101), rng).tokens for s in strings]
    strings += [tuple(s) for s in NASBENCH101.augment(np.array(strings), rng).tolist()]
    keys = NASBENCH101.keys(np.array(strings))
    graphs = [pruned(NASBENCH101, s) for s in strings]
    equal = 0
    for a, b in itertools.combinations(range(len(strings)), 2):
        assert isomorphic(graphs[a], graphs[b]) == (keys[a] == keys[b])
        equal += keys[a] == keys[b]
    assert equal > 100


def test_the_key_of_one_is_the_key_among_many(rng):
    drawn = NASBENCH101.sample(rng, 50)
    assert [NASBENCH101.canonical(a) for a in drawn] == NASBENCH101.keys(array(drawn))


def test_what_does_not_count_does_not_change_the_key():
    whole = architecture([[0, 1, 0], [0, 0, 1], [0, 0, 0]], [CONV3])
    dangling = architecture(
        [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]],
        [CONV3, POOL],  # nothing reads the pooling
    )
    unfed = architecture(
        [[0, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]],
        [POOL, CONV3],  # the pooling reads nothing
    )
    other = architecture([[0, 1, 0], [0, 0, 1], [0, 0, 0]], [POOL])
    assert len({NASBENCH101.canonical(a) for a in (whole, dangling, unfed)}) == 1
    assert NASBENCH101.canonical(other) != NASBENCH101.canonical(whole)
    features = NASBENCH101.features(array([whole, dangling, unfed, other]))
    assert (features[:3] == features[0]).all()
    assert (features[3] != features[0]).any()


def test_augmentations_are_all_orders_of_the_vertices(rng):
    for drawn in FIVE.sample(rng, 20):
        token = dict(zip(FIVE._columns.pairs, drawn.tokens, strict=True))
        expected = set()
        for order in itertools.permutations((1, 2, 3)):
            old = (0, *order, 4)
            if all(old.index(i) < old.index(j) for (i, j), bit in token.items() if i < j and bit):
                expected.add(
                    tuple(token[min(old[a], old[b]), max(old[a], old[b])] for a, b in FIVE._columns.pairs)
                )
        assert set(map(tuple, FIVE.augment(array([drawn] * 200), rng).tolist())) == expected


def test_augmentation_is_uniform(rng):
    drawn = architecture(*EXAMPLE)
    augmented = NASBENCH101.augment(array([drawn] * 6000), rng)
    strings, counts = np.unique(augmented, axis=0, return_counts=True)
    assert len(strings) == 60  # 5! orders, in half of which the one edge inside leads forwards
    assert {NASBENCH101.canonical(Architecture(tuple(x), NASBENCH101)) for x in strings.tolist()} == {
        NASBENCH101.canonical(drawn)
    }
    assert scipy.stats.chisquare(counts).pvalue > 0.001


def test_features_count_the_paths(rng):
    """Against a walk along every path."""
    number = {(): 0}
    for _ in range(5):
        number |= {(*s, o): 1 + 3 * number[s] + o for s in list(number) for o in range(3)}
    drawn = NASBENCH101.sample(rng, 100)
    features = NASBENCH101.features(array(drawn))
    assert features.shape == (100, 364)
    assert len(number) == 364
    for row, a in zip(features, drawn, strict=True):
        _, operations, paths = pruned(NASBENCH101, a.tokens)
        expected = np.zeros(364)
        for path in paths:
            expected[number[tuple(operations[v] - 2 for v in path[1:-1])]] += 1
        assert (row == expected).all()


def test_neighbours_differ_in_one_token_and_are_what_mutate_makes(rng):
    drawn = SMALL.sample(rng, 1)[0]
    strings = np.array(every_string(SMALL))
    expected = {tuple(s) for s in strings[(strings != np.array(drawn.tokens)).sum(axis=1) == 1].tolist()}
    found = [a.tokens for a in SMALL.neighbours(drawn)]
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert {SMALL.mutate(drawn, rng).tokens for _ in range(2000)} == expected


def test_mutate_changes_every_position_equally_often(rng):
    drawn = architecture(*EXAMPLE)  # 9 edges: none can be added, none can stand alone
    changed = array([NASBENCH101.mutate(drawn, rng) for _ in range(3000)]) != array([drawn])
    counts = changed.sum(axis=0)
    possible = {t for a in NASBENCH101.neighbours(drawn) for t in range(26) if a.tokens[t] != drawn.tokens[t]}
    assert set(np.flatnonzero(counts).tolist()) == possible
    assert len(possible) == 9 + 5  # any edge can go, any operation can change
    assert scipy.stats.chisquare(counts[sorted(possible)]).pvalue > 0.001


def test_the_example_in_words():
    drawn = architecture(*EXAMPLE)
    words = (
        "1 conv1x1-bn-relu 1 0 conv3x3-bn-relu 1 0 0 conv3x3-bn-relu 0 0 0 1 conv3x3-bn-relu"
        " 1 0 0 0 0 maxpool3x3 0 1 1 0 1 1"
    )
    assert str(drawn) == words
    assert NASBENCH101.parse(words) == drawn
    assert NASBENCH101.canonical(drawn) == "490312983"


@pytest.mark.parametrize(
    ("matrix", "operations", "message"),
    [
        ([[0] * 8] * 8, [CONV1] * 6, "2 to 7 vertices"),
        ([[0, 1], [0, 0]], [CONV1], "2 with 1 operations"),
        ([[0, 1], [0]], [], "2 to 7 vertices"),
        ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["conv"], "operations are conv1x1"),
        ([[0, 1, 0], [1, 0, 1], [0, 0, 0]], [CONV1], "upper triangular"),
        ([[0, 2, 0], [0, 0, 1], [0, 0, 0]], [CONV1], "zeros and ones"),
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], [CONV1], "from its input to its output"),
        (np.triu(np.ones((6, 6), int), 1).tolist(), [CONV1] * 4, "at most 9 edges"),
    ],
)
def test_a_cell_that_is_none_is_refused(matrix, operations, message):
    with pytest.raises(InputError, match=message) as error:
        NASBENCH101.tokens_of(matrix, operations)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(("vertices", "edges"), [(2, 9), (8, 9), (7, 0)])
def test_sizes_out_of_range(vertices, edges):
    with pytest.raises(InputError, match="a cell"):
        NASBench101Space("x", NASBENCH101.operations, vertices, edges)


def test_operations_are_words():
    for wrong, said in ((("a", "a"), "comes twice"), (("0",), "means something else")):
        with pytest.raises(InputError, match=said):
            NASBench101Space("x", wrong)
