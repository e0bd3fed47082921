"""Runs that were written in the first format of the file are shown, and go on."""

import json
import sqlite3
import struct

import pytest

from nao.configuration import fingerprint, plain
from nao.core import Architecture, Cost, InputError, Proposal
from nao.encoders import encoder
from nao.folder import STUDY
from nao.study import Study, first_format, read
from tests.fakes import PairSpace

SPACE = PairSpace()
STRINGS = [
    (0, 1, 2, 3, 0, 1, 2, 3),
    (1, 1, 1, 1, 1, 1, 1, 1),
    (2, 2, 2, 2, 2, 2, 2, 2),
    (3, 3, 3, 3, 3, 3, 3, 3),
]
TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE iterations (
    iteration INTEGER PRIMARY KEY, state TEXT NOT NULL, diagnostics TEXT NOT NULL, seconds REAL NOT NULL);
CREATE TABLE proposals (
    id INTEGER PRIMARY KEY, iteration INTEGER NOT NULL REFERENCES iterations, tokens TEXT NOT NULL,
    architecture TEXT NOT NULL, canonical TEXT NOT NULL UNIQUE, origin TEXT NOT NULL, parent TEXT, step REAL,
    predicted REAL, seed INTEGER NOT NULL);
CREATE TABLE results (
    id INTEGER PRIMARY KEY REFERENCES proposals, status TEXT NOT NULL CHECK (status IN ('ok', 'failed')),
    score REAL CHECK ((status = 'ok') = (score IS NOT NULL)), metrics TEXT NOT NULL,
    parameters INTEGER NOT NULL, flops INTEGER NOT NULL, seconds REAL NOT NULL, device TEXT NOT NULL,
    reason TEXT NOT NULL, finished TEXT NOT NULL);
PRAGMA application_id = 7233903;
PRAGMA user_version = 1;
"""
CONFIGURATION = {"space": {"space": "pairs"}, "strategy": {"name": "random", "seed": 0}, "evaluator": {}}


def write(folder, score=0.5, parameters=3, state=None, encoder=None):
    """A study with an ok, a failed and two pending trials, as it was written then."""
    connection = sqlite3.connect(folder / STUDY)
    connection.executescript(TABLES)
    configuration = CONFIGURATION
    if encoder:
        configuration = {**CONFIGURATION, "strategy": {**CONFIGURATION["strategy"], "encoder": encoder}}
    meta = {"configuration": configuration, "created": "2026-01-01", "versions": {}, "goal": {}}
    with connection:
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)", [(k, json.dumps(v)) for k, v in meta.items()]
        )
        row = (0, json.dumps(state or {"drawn": 4}), '{"tau": 0.5}', 2.5)
        connection.execute("INSERT INTO iterations VALUES (?, ?, ?, ?)", row)
        for i, tokens in enumerate(STRINGS):
            text, parent = SPACE.format(tokens), SPACE.format(STRINGS[0]) if i == 1 else None
            key = SPACE.canonical(Architecture(tokens, SPACE))
            row = (i, 0, json.dumps(tokens), text, key, "random", parent, None, None, 10 + i)
            connection.execute("INSERT INTO proposals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        metrics = json.dumps({"test_score": 0.25, "loss": 1.5})
        for row in [
            (0, "ok", score, metrics, parameters, 7, 0.5, "cpu:0", "", "2026-01-01"),
            (1, "failed", None, "{}", 0, 0, 0.5, "cpu:0", "out of memory", "2026-01-01"),
        ]:
            connection.execute("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.close()


@pytest.mark.parametrize(
    ("score", "parameters"),
    [
        (0.5, 3),
        (struct.pack("<f", 0.5), struct.pack("<i", 3)),
        (struct.pack("<d", 0.5), struct.pack("<q", 3)),
    ],
    ids=["numbers", "4 bytes", "8 bytes"],
)
def test_it_is_shown_also_where_numbers_were_stored_as_bytes(score, parameters, tmp_path):
    write(tmp_path, score, parameters)
    history = read(tmp_path, SPACE)
    ok, failed, *pending = history.trials
    assert (ok.score, ok.result.test_score, ok.result.metrics) == (0.5, 0.25, {"loss": 1.5})
    assert (ok.result.cost, ok.result.device, ok.seed) == (Cost(3, 7), "cpu:0", 10)
    assert (failed.status, failed.result.reason) == ("failed", "out of memory")
    assert failed.proposal == Proposal(Architecture(STRINGS[1], SPACE), "random", ok.architecture)
    assert [trial.status for trial in pending] == ["pending", "pending"]
    assert (history.iterations[0].state, history.iterations[0].seconds) == ({"drawn": 4}, 2.5)


def test_the_run_of_a_space_that_is_not_known_is_shown(tmp_path):
    write(tmp_path)
    history = read(tmp_path)
    assert history.summary()["best"]["architecture"] == SPACE.format(STRINGS[0])
    assert history.space.name == "pairs"


def test_it_goes_on_in_todays_format(tmp_path):
    write(tmp_path)
    before = read(tmp_path, SPACE)
    assert before.configuration == {
        "strategy": {"name": "random", "seed": 0, "space": {"space": "pairs"}},
        "evaluator": {"space": {"space": "pairs"}},
    }
    with Study(tmp_path, SPACE, before.configuration) as study:
        assert study.history == before
        trial = study.history.trials[2]
        from tests.fakes import SumEvaluator

        done = study.record(trial, SumEvaluator(failing=()).result(trial.request()), 1.0)
    after = read(tmp_path, SPACE)
    assert after.trials == [*before.trials[:2], done, before.trials[3]]
    assert after.created == "2026-01-01"
    connection = sqlite3.connect(tmp_path / STUDY)
    assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    connection.close()


def test_the_states_of_strategies_are_those_of_today(tmp_path):
    write(tmp_path, state={"asked": [[0, 4], [4, 1], [5, 1], [6, 1], [7, 2]], "begun": 3})
    assert read(tmp_path, SPACE).iterations[0].state == {
        "asked": [[0, 4, 1], [4, 1, 1], [1, 1, 2], [1, 2, 1]],
        "given": 3,
    }


@pytest.mark.parametrize("name", ["process", "published"])
def test_the_encoders_that_have_a_name_are_known_by_their_fingerprints(name):
    configuration = plain(encoder(name).configuration())
    assert fingerprint(configuration) in first_format.ENCODERS.values()


def test_a_search_by_an_encoder_that_was_another_is_refused_in_one_line(tmp_path, monkeypatch):
    write(tmp_path, encoder={"name": "default", "width": 64})
    ours = read(tmp_path, SPACE).configuration
    ours = {**ours, "strategy": {**ours["strategy"], "encoder": {"name": "default", "hidden_size": 64}}}
    with pytest.raises(InputError, match=r"belongs to another configuration: strategy\.encoder"):
        Study(tmp_path, SPACE, ours)
    then, now = fingerprint({"name": "default", "width": 64}), fingerprint(ours["strategy"]["encoder"])
    monkeypatch.setitem(first_format.ENCODERS, then, now)
    with Study(tmp_path, SPACE, ours) as study:
        assert study.history.configuration == ours
    assert read(tmp_path, SPACE).configuration == ours
