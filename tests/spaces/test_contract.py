"""What every search space owes: the protocol `nao.core.SearchSpace`."""

import json
import pickle

import numpy as np
import pytest
import scipy.stats

from nao.core import Architecture, InputError, SearchSpace
from nao.graph import Graph
from nao.spaces import make
from tests.fakes import PairSpace
from tests.spaces.all_spaces import ALL, array

WITH_FAKE = {**ALL, "fake": PairSpace()}

every_space = pytest.mark.parametrize("space", WITH_FAKE.values(), ids=WITH_FAKE)


def words_of(architecture):
    return [architecture.space.vocabulary[token] for token in architecture.tokens]


def augmentations(architecture, rng, n):
    """The different strings among n augmentations of one, and how often each came."""
    tokens = np.repeat(array([architecture]), n, axis=0)
    return np.unique(architecture.space.augment(tokens, rng), axis=0, return_counts=True)


@every_space
def test_it_is_one(space):
    assert isinstance(space, SearchSpace)
    assert space.size == space.grammar.size
    assert space.length == space.grammar.length
    assert space.length % space.group == 0


@every_space
def test_format_and_parse_are_inverse(space, rng):
    for architecture in space.sample(rng, 300):
        assert space.parse(str(architecture)).tokens == architecture.tokens


@every_space
def test_words_are_read_with_any_white_space_between_them(space, rng):
    for architecture in space.sample(rng, 20):
        assert space.parse("\n " + "\t\n ".join(words_of(architecture)) + "\n") == architecture


@every_space
def test_masks_agree_with_samples_and_with_fault(space, rng):
    for architecture in space.sample(rng, 5):
        tokens = architecture.tokens
        assert space.grammar.fault(tokens) is None
        for t, token in enumerate(tokens):
            legal = space.legal(tokens[:t])
            assert legal.shape == (len(space.vocabulary),)
            assert legal[token]
            for v in range(len(space.vocabulary)):
                assert space.grammar.fault((*tokens[:t], v)) == (None if legal[v] else t)


@every_space
def test_vocabulary_is_exactly_what_occurs(space, rng):
    assert len(set(space.vocabulary)) == len(space.vocabulary)
    seen = np.unique(space.grammar.sample(rng, 3000))
    assert seen.tolist() == list(range(len(space.vocabulary)))


@every_space
def test_the_first_wrong_word_is_named_with_what_was_legal(space, rng):
    for architecture in space.sample(rng, 20):
        words, t = words_of(architecture), int(rng.integers(space.length))
        legal = space.legal(architecture.tokens[:t])
        illegal = [v for v in range(len(legal)) if not legal[v]]
        wrong = [space.vocabulary[v] for v in illegal[:1]] + ["x" * 500, "nöde\x001"]
        for word in wrong:
            with pytest.raises(InputError) as error:
                space.parse(" ".join([*words[:t], word, *words[t + 1 :]]))
            message = str(error.value)
            assert f"position {t + 1} is {word[:40]!r}" in message
            assert ", ".join(space.vocabulary[v] for v in np.flatnonzero(legal)) in message
            assert space.name in message
            assert message.isprintable()
            assert len(message) < 300


@every_space
def test_the_number_of_words_is_checked(space, rng):
    words = words_of(space.sample(rng, 1)[0])
    for n in sorted({0, 1, space.length - 1} - {space.length}):
        with pytest.raises(InputError, match=rf"{space.length} words.* {n}: .* before position {n + 1}, "):
            space.parse(" ".join(words[:n]))
    with pytest.raises(InputError, match=rf"{space.length} words.* {space.length + 2}: position .* 'more'"):
        space.parse(" ".join([*words, "more", "words"]))


@every_space
def test_augmentation_is_uniform_and_mutual(space, rng):
    """Every string that can come of one is equally likely, and the same strings can come of any of them."""
    architecture = max(space.sample(rng, 20), key=lambda a: len(augmentations(a, rng, 100)[0]))
    strings, counts = augmentations(architecture, rng, 15_000)
    assert counts.sum() > 10 * len(strings)
    assert len(strings) == 1 or scipy.stats.chisquare(counts).pvalue > 0.001
    assert list(architecture.tokens) in strings.tolist()
    again, _ = augmentations(Architecture(tuple(strings[-1].tolist()), space), rng, 15_000)
    assert again.tolist() == strings.tolist()


@every_space
def test_augmentation_keeps_the_meaning_row_by_row(space, rng):
    tokens = space.grammar.sample(rng, 300)
    augmented = space.augment(tokens, rng)
    assert augmented.shape == tokens.shape
    assert augmented.dtype == tokens.dtype
    for before, after in zip(tokens.tolist(), augmented.tolist(), strict=True):
        assert space.grammar.fault(after) is None
        keys = [space.canonical(Architecture(tuple(x), space)) for x in (before, after)]
        assert keys[0] == keys[1]
    assert space.augment(tokens[:0], rng).shape == (0, space.length)


@every_space
def test_neighbours_are_exactly_what_mutate_makes(space, rng):
    for architecture in space.sample(rng, 2):
        neighbours = list(space.neighbours(architecture))
        assert len(set(neighbours)) == len(neighbours) > 0
        assert architecture not in neighbours
        assert all(space.grammar.fault(a.tokens) is None for a in neighbours)
        made = set()
        for _ in range(25 * len(neighbours)):
            made.add(space.mutate(architecture, rng))
            if len(made) >= len(neighbours):
                break
        assert made == set(neighbours)
        assert all(architecture in space.neighbours(a) for a in neighbours[:5])


@every_space
def test_features_are_equal_for_what_means_the_same_and_tell_much_of_the_rest_apart(space, rng):
    tokens = space.grammar.sample(rng, 300)
    features = space.features(tokens)
    for _ in range(3):
        np.testing.assert_array_equal(space.features(space.augment(tokens, rng)), features)
    assert np.isfinite(features).all()
    assert space.features(tokens[:0]).shape == (0, features.shape[1])
    by_key = {}
    for string, row in zip(tokens.tolist(), features.tolist(), strict=True):
        by_key.setdefault(space.canonical(Architecture(tuple(string), space)), set()).add(tuple(row))
    assert {len(rows) for rows in by_key.values()} == {1}
    assert len(set().union(*by_key.values())) > len(by_key) / 2


@every_space
def test_every_architecture_has_a_graph(space, rng):
    for architecture in space.sample(rng, 20):
        graph = space.graph(architecture)
        assert isinstance(graph, Graph)
        assert graph == space.graph(architecture)
        assert len({cell.name for cell in graph.cells}) == len(graph.cells) > 0
        for cell in graph.cells:
            assert len({node.name for node in cell.nodes}) == len(cell.nodes)
            assert 0 < cell.inputs < len(cell.nodes)
            assert all(0 <= edge.source < edge.target < len(cell.nodes) for edge in cell.edges)
            assert all(edge.target >= cell.inputs for edge in cell.edges)
            assert (
                any(edge.target == len(cell.nodes) - 1 for edge in cell.edges) or space.name == "nasbench201"
            )
        assert all(line.isprintable() for line in graph.lines())
        assert len(graph.lines()) >= sum(len(cell.nodes) - 1 - cell.inputs for cell in graph.cells)


@every_space
def test_the_same_seed_gives_the_same(space):
    def draws(seed):
        rng = np.random.default_rng(seed)
        sample = space.sample(rng, 20)
        return (
            [a.tokens for a in sample],
            space.augment(array(sample), rng).tolist(),
            [space.mutate(a, rng).tokens for a in sample],
        )

    assert draws(7) == draws(7)
    assert draws(7)[0] != draws(8)[0]


@every_space
def test_spaces_and_architectures_pickle(space, rng):
    architecture = space.sample(rng, 1)[0]
    list(space.neighbours(architecture))
    space.features(array([architecture]))  # what was computed on the way is not pickled
    data = pickle.dumps(architecture)
    again = pickle.loads(data)
    assert again == architecture
    assert again.space == space
    assert hash(again.space) == hash(space)
    assert str(again) == str(architecture)
    assert len(data) < 3000


@pytest.mark.parametrize("space", ALL.values(), ids=ALL)
def test_a_configuration_is_json_and_makes_the_space_again(space):
    configuration = space.configuration()
    again = make(json.loads(json.dumps(configuration, sort_keys=True, allow_nan=False)))
    assert again == space
    assert type(again) is type(space)
    assert again.vocabulary == space.vocabulary
    assert again.grammar == space.grammar
    assert again.configuration() == configuration


def test_configurations_differ_between_spaces():
    written = [json.dumps(s.configuration(), sort_keys=True) for s in WITH_FAKE.values()]
    assert len(set(written)) == len(set(WITH_FAKE.values())) == len(WITH_FAKE)
