"""What every search space owes: the protocol `nao.core.SearchSpace`."""

import json
import pickle

import numpy as np
import pytest
import scipy.stats

from nao.core import Architecture, InputError, SearchSpace
from nao.spaces import SPACES, space
from nao.spaces.cells import CellSpace
from nao.spaces.operations import operations
from tests.fakes import PairSpace

# Three words an operation, whose legality depends on all the words before.
THREE_WORDS = CellSpace("three", operations("a b c", "a b d", "a c c", "b b c"), blocks=2)
ALL = {
    **SPACES,
    **{f"{name}-{b}": space(name, blocks=b) for name in ("cnn-cell", "cnn-cell-small") for b in (1, 3)},
    "three": THREE_WORDS,
}
WITH_FAKE = {**ALL, "fake": PairSpace()}  # whose words are read less strictly

every_space = pytest.mark.parametrize("space", ALL.values(), ids=ALL)
every_space_and_the_fake = pytest.mark.parametrize("space", WITH_FAKE.values(), ids=WITH_FAKE)


def array(architectures):
    return np.array([a.tokens for a in architectures], np.int32)


def words_of(architecture):
    return [architecture.space.vocabulary[token] for token in architecture.tokens]


def orbit(architecture):
    """All strings that are known to mean the same, this one included."""
    return [architecture, *architecture.space.symmetric(architecture)]


@every_space_and_the_fake
def test_it_is_one(space):
    assert isinstance(space, SearchSpace)
    assert space.size == space.grammar.size
    assert space.length == space.grammar.length
    assert space.length % space.group == 0


@every_space_and_the_fake
def test_format_and_parse_are_inverse(space, rng):
    for architecture in space.sample(rng, 2000):
        assert space.parse(str(architecture)).tokens == architecture.tokens


@every_space_and_the_fake
def test_words_are_read_with_any_white_space_between_them(space, rng):
    for architecture in space.sample(rng, 20):
        assert space.parse("\n " + "\t\n ".join(words_of(architecture)) + "\n") == architecture


@every_space_and_the_fake
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


@every_space_and_the_fake
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
    for n in (0, 1, space.length - 1):
        with pytest.raises(InputError, match=rf"{space.length} words.* {n}: .* before position {n + 1}, "):
            space.parse(" ".join(words[:n]))
    with pytest.raises(InputError, match=rf"{space.length} words.* {space.length + 2}: position .* 'more'"):
        space.parse(" ".join([*words, "more", "words"]))


@every_space_and_the_fake
def test_symmetric_strings_are_distinct_legal_and_mean_the_same(space, rng):
    for architecture in space.sample(rng, 3):
        strings = orbit(architecture)
        assert len(set(strings)) == len(strings)
        assert all(space.grammar.fault(a.tokens) is None for a in strings)
        assert {space.canonical(a) for a in strings} == {space.canonical(architecture)}
        # Being symmetric is mutual: they are symmetric to each other.
        assert set(orbit(strings[-1])) == set(strings)


@every_space_and_the_fake
def test_redraw_is_a_uniform_symmetric_string(space, rng):
    strings = max((orbit(a) for a in space.sample(rng, 20)), key=len)
    redrawn = space.redraw(array(strings[:1] * 40 * len(strings)), rng)
    number = {a.tokens: i for i, a in enumerate(strings)}
    counts = np.bincount([number[tuple(x)] for x in redrawn.tolist()], minlength=len(strings))
    assert len(strings) == 1 or scipy.stats.chisquare(counts).pvalue > 0.001


@every_space_and_the_fake
def test_redraw_keeps_canonical_row_by_row(space, rng):
    tokens = space.grammar.sample(rng, 300)
    redrawn = space.redraw(tokens, rng)
    assert redrawn.shape == tokens.shape
    assert redrawn.dtype == tokens.dtype
    for before, after in zip(tokens.tolist(), redrawn.tolist(), strict=True):
        keys = [space.canonical(Architecture(tuple(x), space)) for x in (before, after)]
        assert keys[0] == keys[1]
    assert space.redraw(tokens[:0], rng).shape == (0, space.length)


@every_space_and_the_fake
def test_neighbours_are_exactly_what_mutate_makes(space, rng):
    for architecture in space.sample(rng, 2):
        neighbours = list(space.neighbours(architecture))
        assert len(set(neighbours)) == len(neighbours) > 0
        assert architecture not in neighbours
        assert all(space.grammar.fault(a.tokens) is None for a in neighbours)
        assert {space.mutate(architecture, rng) for _ in range(25 * len(neighbours))} == set(neighbours)
        assert all(architecture in space.neighbours(a) for a in neighbours[:5])


@every_space_and_the_fake
def test_features_are_equal_for_what_means_the_same_and_tell_much_of_the_rest_apart(space, rng):
    tokens = space.grammar.sample(rng, 300)
    features = space.features(tokens)
    np.testing.assert_array_equal(space.features(space.redraw(tokens, rng)), features)
    for architecture in space.sample(rng, 5):
        assert len(np.unique(space.features(array(orbit(architecture)[:64])), axis=0)) == 1
    assert np.isfinite(features).all()
    assert space.features(tokens[:0]).shape == (0, features.shape[1])
    by_key = {}
    for string, row in zip(tokens.tolist(), features.tolist(), strict=True):
        by_key.setdefault(space.canonical(Architecture(tuple(string), space)), set()).add(tuple(row))
    assert {len(rows) for rows in by_key.values()} == {1}
    assert len(set().union(*by_key.values())) > len(by_key) / 2


@every_space_and_the_fake
def test_the_same_seed_gives_the_same(space):
    def draws(seed):
        rng = np.random.default_rng(seed)
        sample = space.sample(rng, 20)
        return (
            [a.tokens for a in sample],
            space.redraw(array(sample), rng).tolist(),
            [space.mutate(a, rng).tokens for a in sample],
        )

    assert draws(7) == draws(7)
    assert draws(7)[0] != draws(8)[0]


@every_space_and_the_fake
def test_spaces_and_architectures_pickle(space, rng):
    architecture = space.sample(rng, 1)[0]
    data = pickle.dumps(architecture)
    again = pickle.loads(data)
    assert again == architecture
    assert again.space == space
    assert hash(again.space) == hash(space)
    assert str(again) == str(architecture)
    assert len(data) < 3000


def test_configurations_are_json_and_differ_between_spaces():
    written = [json.dumps(s.configuration(), sort_keys=True) for s in WITH_FAKE.values()]
    assert len(set(written)) == len(WITH_FAKE)
