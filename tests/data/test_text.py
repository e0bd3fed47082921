"""Texts: the record, the convention of the Penn Treebank, one file cut in three, and what is refused."""

import dataclasses
import json
import math
import os
import subprocess
import sys
import unicodedata

import numpy as np
import pytest

from nao.core import InputError
from nao.data import Card, Text, as_images, as_text, load, load_digits, load_text, make
from nao.data import text_lines as lines_module
from nao.data.text_tokens import MOST, plain_words, restrict

CARD = Card(origin="made", licence="none", size="small", split="by hand")
VERSE = "the cat sat\n\n the <unk>  ran \n"  # 3 + <eos>, <eos>, 3 + <eos>: 9 tokens, and 6 types
TYPES = ("the", "cat", "sat", "<eos>", "<unk>", "ran")
IDS = [0, 1, 2, 3, 3, 0, 4, 5, 3]


def made(train, valid, vocabulary):
    split = np.array(valid, np.int32)
    return Text("made", "word", np.array(train, np.int32), split, split[:0], tuple(vocabulary), CARD)


@pytest.fixture
def folder(tmp_path):
    def folder(name="ptb", train=VERSE * 120, valid=VERSE * 12, test=VERSE * 12, file="ptb.{}.txt"):
        place = tmp_path / name
        place.mkdir(exist_ok=True)
        for split, text in {"train": train, "valid": valid, "test": test}.items():
            content = text if isinstance(text, bytes) else text.encode()
            (place / file.format(split)).write_bytes(content)
        return place

    return folder


@pytest.fixture
def file(tmp_path):
    def file(content, name="mine.txt"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return file


def words(data, split):
    return [data.vocabulary[token] for token in getattr(data, split)]


def refusal(name):
    with pytest.raises(InputError) as error:
        load(str(name))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_unigram_entropy_in_closed_form():
    # Smoothed counts of train: 3 + 1, 1 + 1, 0 + 1, of 4 + 3.
    data = made([0, 0, 1, 0], [0, 1, 2, 2], "abc")
    assert data.unigram_entropy == pytest.approx(-(math.log(4 * 2 / 7**2) + 2 * math.log(1 / 7)) / 4)
    assert made([0, 1, 2], [1, 1], "abc").unigram_entropy == pytest.approx(math.log(3))


def test_fingerprint_sees_every_change():
    data = made([0, 1, 2, 1], [1, 2], "abc")
    others = [
        made([0, 1, 2, 2], [1, 2], "abc"),
        made([0, 1, 2, 1], [2, 2], "abc"),
        made([0, 1, 2], [1, 1, 2], "abc"),
        made([0, 1, 2, 1], [1, 2], ["a", "b", "d"]),
        made([0, 1, 2, 1], [1, 2], ["a", "bc", ""]),
        dataclasses.replace(data, test=data.valid),
    ]
    assert len({each.fingerprint for each in [data, *others]}) == 7
    assert made([0, 1, 2, 1], [1, 2], "abc") == data
    assert dataclasses.replace(data, path="elsewhere") == data
    assert dataclasses.replace(data, name="other") != data
    assert dataclasses.replace(data, level="character") != data


def test_a_folder_is_read_in_the_convention_of_the_penn_treebank(folder):
    data = load(f"text:{folder()}")
    assert (len(data.train), len(data.valid), len(data.test)) == (120 * 9, 12 * 9, 12 * 9)
    assert data.vocabulary == TYPES
    assert data.train.tolist() == IDS * 120
    assert data.test.tolist() == IDS * 12
    assert data.train.dtype == data.valid.dtype == data.test.dtype == np.int32
    assert (data.name, data.level, data.types) == ("text:ptb/", "word", 6)
    assert "1,080 / 108 / 108 tokens" in str(data.card)


def test_words_that_train_lacks_are_unknown_and_counted(folder):
    data = load_text(folder(valid=VERSE * 12 + "the dog\n", test="a cat\n" * 50))
    assert words(data, "valid")[-3:] == ["the", "<unk>", "<eos>"]
    assert words(data, "test")[:3] == ["<unk>", "cat", "<eos>"]
    assert data.vocabulary == TYPES  # of train alone
    assert "51 words of valid and test that train lacks are <unk>" in data.card.split


def test_without_unknown_a_word_that_train_lacks_is_named(folder):
    known = "the cat sat\n"
    place = folder(train=known * 300, valid=known * 30 + "the dog\n", test=known * 30)
    message = refusal(f"text:{place}")
    assert "ptb.valid.txt: line 31 has 'dog', but ptb.train.txt has neither it nor <unk>: write" in message
    place = folder(train=known * 300, valid=known * 30, test=VERSE * 12)
    assert "ptb.test.txt: line 3 has '<unk>'" in refusal(f"text:{place}")
    assert load_text(folder(train=known * 300, valid=known * 30, test=known * 30)).types == 4


def test_validation_is_a_name_of_valid_where_there_is_no_other(folder):
    place = folder()
    (place / "ptb.valid.txt").rename(place / "validation.txt")
    assert load_text(place).valid.tolist() == IDS * 12
    (place / "validated.txt").write_text("x")
    assert "has validated.txt and validation.txt" in refusal(f"text:{place}")


@pytest.mark.parametrize("name", ["{}.txt", "wiki.{}.tokens", "PTB-{}", "my_{}_1.TXT"])
def test_files_of_a_folder_are_found_by_a_word_of_their_names(folder, name):
    place = folder(file=name)
    (place / "README").write_text("latest, training")
    (place / ".train.txt.swp").write_text("hidden")
    (place / "test").mkdir(exist_ok=True)
    assert load_text(place).train.tolist() == IDS * 120


def test_folders_that_lack_a_file_or_have_one_twice(folder):
    place = folder()
    (place / "ptb.char.train.txt").write_text("t h e")
    assert (
        "one file with train in its name, such as train.txt, but has ptb.char.train.txt and ptb"
        in refusal(f"text:{place}")
    )
    (place / "ptb.char.train.txt").unlink()
    (place / "ptb.valid.txt").unlink()
    assert "one file with valid in its name, such as valid.txt, but has none" in refusal(f"text:{place}")


def test_line_ends_and_marks_of_other_systems_make_no_difference(folder):
    before = load_text(folder())
    others = [VERSE.replace("\n", "\r\n"), VERSE.replace("\n", "\r")]
    for text in others:
        marked = b"\xef\xbb\xbf" + (text * 120).encode()
        assert load_text(folder(train=marked, valid=text * 12)) == before
    assert load_text(folder(test=(VERSE * 12).rstrip())) == before  # no newline at the end


def test_characters_of_a_folder_are_read_as_they_are(folder):
    data = load(f"characters:{folder(valid=VERSE * 12 + 'É')}")
    assert "".join(words(data, "train")) == VERSE * 120
    assert words(data, "valid")[-2:] == ["<unk>", "\n"]
    assert data.vocabulary[0] == "<unk>"
    assert (data.name, data.level, data.types) == ("characters:ptb/", "character", 1 + len(set(VERSE)))


def test_plain_words():
    line = "He said: “It's 3,141.5 well-known <unk>s, e.g. 2nd __x__.”\n"
    assert " ".join(plain_words(line)) == "he said : “ it's N well-known <unk> s , e.g . N __x__ . ” <eos>"
    assert plain_words("\n") == ["<eos>"]
    assert plain_words("half a line ") == ["half", "a", "line"]


@pytest.mark.parametrize(
    "word",
    ["हिन्दी", "café", "שָׁלוֹם", "ไม่", "می\u200cرود", "i̇stanbul", "ngừng"],
    ids=["Hindi", "French", "Hebrew", "Thai", "Persian", "Turkish", "Vietnamese"],
)
def test_marks_and_joiners_are_of_the_word_that_they_stand_in(word):
    for form in ("NFC", "NFD"):
        found = plain_words(unicodedata.normalize(form, f"a {word}, {word}-{word} 5\n"))
        whole = unicodedata.normalize("NFC", word)
        assert found == ["a", whole, ",", f"{whole}-{whole}", "N", "<eos>"]


def test_a_file_is_cut_in_three_and_its_rare_words_are_unknown(file):
    text = "The cat sat.\nOnce\n" + "the cat\n" * 500 + "a dog\n" * 150
    data = load(f"text:{file(text)}")
    spelled = "the cat sat . <eos> once <eos> " + "the cat <eos> " * 500 + "a dog <eos> " * 150
    total = 5 + 2 + 1500 + 450
    cuts = [int(0.8 * total), int(0.9 * total)]  # train ends within the dogs
    assert data.vocabulary == ("<unk>", "the", "cat", "<eos>", "a", "dog")
    expected = [word if word in data.vocabulary else "<unk>" for word in spelled.split()]
    assert words(data, "train") == expected[: cuts[0]]
    assert words(data, "valid") == expected[cuts[0] : cuts[1]]
    assert words(data, "test") == expected[cuts[1] :]
    assert expected.count("<unk>") == 3


def test_restrict_keeps_the_most_frequent_types_in_their_order():
    # Type i occurs i + 1 times in train, at most 3; types with the same count go by their order.
    table = {f"w{i}": i for i in range(MOST + 5)}
    train = np.repeat(np.arange(MOST + 5), np.minimum(np.arange(MOST + 5) + 1, 3)).astype(np.int32)
    splits, vocabulary = restrict({"train": train, "valid": np.array([0, 1, 2, MOST + 4], np.int32)}, table)
    assert len(vocabulary) == MOST
    assert vocabulary[:3] == ("<unk>", "w2", "w3")
    assert vocabulary[-1] == f"w{MOST}"
    assert splits["valid"].tolist() == [0, 0, 1, 0]
    splits, vocabulary = restrict({"train": np.array([0, 1, 1, 0], np.int32)}, {"<unk>": 0, "a": 1})
    assert (vocabulary, splits["train"].tolist()) == (("<unk>", "a"), [0, 1, 1, 0])


def test_a_very_long_line_is_read_in_pieces_between_words(file, monkeypatch):
    text = "one two three four five " * 400
    whole = load_text(file(text))
    monkeypatch.setattr(lines_module, "LONGEST", 7)
    assert load_text(file(text)) == whole
    assert max(len(line) for line in lines_module.plain_lines(file(text))) < 20
    assert words(whole, "test")[-2:] == ["five", "<unk>"]  # train has no end of a line
    pieces = lines_module.numbered_lines(file("1 2 3 4 5\nabcdefghijk\nz"))
    assert list(pieces) == [(1, "1 2 3 "), (1, "4 5\n"), (2, "abcdefg"), (2, "hijk\n"), (3, "z"), (3, "\n")]


def test_a_text_is_made_again_from_its_configuration(file, folder, tmp_path):
    text = "To be, or not to be: that is the question.\n" * 120
    for data in (load(f"text:{file(text)}"), load(f"characters:{file(text)}"), load(f"text:{folder()}")):
        configuration = json.loads(json.dumps(data.configuration()))
        assert make(configuration) == data
        assert hash(make(configuration)) == hash(data)
    data = load_text(file(text))
    sent = file(text, "0123.npz")  # what a host that was sent the file calls it
    assert make({**data.configuration(), "path": str(sent)}).fingerprint == data.fingerprint
    file(text.replace("question", "answer"))
    with pytest.raises(InputError, match=r"mine.txt has changed: its tokens have the fingerprint") as error:
        make(data.configuration())
    assert "\n" not in str(error.value)


BAD = {
    "empty": (b"", "bad.txt is empty"),
    "only a mark": (b"\xef\xbb\xbf", "bad.txt is empty"),
    "blank": (b"\n \n" * 2000, "one and the same token"),
    "short": (b"a b c\n" * 300, "is too short: its train / valid / test have 960 / 120 / 120 tokens"),
    "Latin 1": (b"caf\xc3\xa9\n" * 5000 + b"caf\xe9\n", "bad.txt: line 5001 is not UTF-8; save it"),
    "UTF-16": (
        ("a text\n" * 500).encode("utf-16"),
        "line 1 is not UTF-8; save it so, for instance with iconv -f UTF-16",
    ),
    "UTF-32": (("a text\n" * 500).encode("utf-32"), "iconv -f UTF-32 "),
    "one line, each word once": (" ".join(f"word{i}" for i in range(5000)), "of its words are rare"),
    "zero bytes": (b"a text\n" * 500 + b"\0", "line 501 has a zero byte"),
    "compressed": (b"\x1f\x8b\x08\x00" * 500, "line 1 is not UTF-8"),
    "no spaces": ("".join(f"{chr(0x4E00 + i)}," * 2 + f"x{i}" for i in range(2000)), "write characters:"),
    "one word": (b"x" * 5000, "too short"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_line(file, case):
    content, message = BAD[case]
    assert message in refusal(f"text:{file(content, 'bad.txt')}")


def test_what_is_no_text_is_refused(tmp_path, file, folder):
    assert "no such file or folder; name a text file, or a folder" in refusal(f"text:{tmp_path}/none")
    assert "is no file; name" in refusal("text:/dev/zero")
    assert "must have one file with train" in refusal(f"text:{tmp_path}")
    assert "text:FOLDER" in refusal("text:")
    assert "text:FOLDER" in refusal("texts")
    assert "ptb.train.txt is empty" in refusal(f"text:{folder(train='')}")
    assert "ptb.test.txt is empty" in refusal(f"characters:{folder(test='')}")
    assert "ptb is too short" in refusal(f"text:{folder(test=VERSE)}")
    assert "one and the same" in refusal(f"characters:{file('x' * 5000)}")
    assert "train and valid are the same text" in refusal(f"text:{folder(valid=VERSE * 120)}")
    assert "train and test are the same text" in refusal(f"text:{folder(test=VERSE * 120)}")


def test_a_name_in_another_encoding_can_be_written_anywhere(file):
    path = file("the cat sat on a mat\n" * 500)
    odd = path.rename(path.with_name(os.fsdecode(b"b\xe9.txt")))
    data = load(f"text:{odd}")
    data.name.encode()
    str(data.card).encode()
    assert make(data.configuration()) == data
    assert load_text(str(odd)) == data


def test_each_network_gets_what_it_trains_on():
    text = made([0, 1], [1], "ab")
    digits = load_digits()
    assert as_text(text) is text
    assert as_images(digits) is digits
    with pytest.raises(InputError, match=r"made is a text, .* write digits"):
        as_images(text)
    with pytest.raises(InputError, match=r"digits has images, .* write text, text:FOLDER"):
        as_text(digits)


def test_texts_are_read_without_jax():
    program = "import sys, nao.data\nnao.data.load('text')\nassert not {'jax', 'sklearn'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
