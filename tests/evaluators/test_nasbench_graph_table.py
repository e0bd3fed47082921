"""The table of NAS-Bench-Graph, from a package of its layout that is made here and from the real one."""

import sys
import types

import numpy as np
import pytest

from nao.core import InputError
from nao.evaluators.tables import nasbench_graph
from nao.evaluators.tables.row import Row
from nao.spaces.nasbench_graph import NASBENCH_GRAPH

MACROS = [
    [0, 0, 0, 0],
    [0, 0, 0, 1],
    [0, 0, 1, 1],
    [0, 0, 1, 2],
    [0, 0, 1, 3],
    [0, 1, 1, 1],
    [0, 1, 1, 2],
    [0, 1, 2, 2],
    [0, 1, 2, 3],
]
LAYERS = ["gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip"]


@pytest.fixture
def package(monkeypatch):
    """Three networks: the first has a number of one digit, the last begins with two idle skips."""
    module = types.ModuleType("nas_bench_graph")
    module.link_list, module.gnn_list = MACROS, LAYERS
    module.measured = {
        0: {"valid_perf": 0.75, "perf": 0.5, "latency": 0.004, "para": 1.369863},
        11147: {"valid_perf": 0.25, "perf": 0.625, "latency": 0.005, "para": 0.5},
        88817: {"valid_perf": 0.5, "perf": 0.375, "latency": 0.006, "para": 0.001},
    }
    module.light_read = {"cora": module.measured}.__getitem__
    monkeypatch.setitem(sys.modules, "nas_bench_graph", module)
    return module


def test_numbers_are_read_as_macro_structure_and_operations(package):
    _, rows = nasbench_graph.rows("cora", "valid", "test")
    assert rows == {
        "gat gat gat gat": Row(0.75, 0.5, 1_369_863, 0.0),
        "gcn gcn(fc) sage": Row(0.25, 0.625, 500_000, 0.0),
        "gcn(fc)": Row(0.5, 0.375, 1000, 0.0),
    }


def test_columns_are_the_ones_asked_for(package):
    _, rows = nasbench_graph.rows("cora", "test", "valid")
    assert (rows["gcn(fc)"].score, rows["gcn(fc)"].test_score) == (0.375, 0.5)


def test_the_space_has_the_operations_that_were_used(package):
    space, _ = nasbench_graph.rows("cora", "valid", "test")
    assert space.operations == ("gat", "gcn", "sage", "fc", "skip")
    package.measured[2356] = package.measured[0]  # gin cheb arma graph
    space, _ = nasbench_graph.rows("cora", "valid", "test")
    assert space == NASBENCH_GRAPH


def test_two_numbers_of_one_network_are_another_version(package):
    package.measured[88187] = package.measured[0]  # skip gcn skip fc
    with pytest.raises(InputError, match="4 networks on cora are 3 different ones"):
        nasbench_graph.rows("cora", "valid", "test")


@pytest.mark.parametrize(
    ("dataset", "signal", "report", "message"),
    [
        ("mnist", "valid", "test", "no data set 'mnist', but cora, citeseer"),
        ("cora", "perf", "test", "no column 'perf', but valid, test"),
        ("cora", "valid", "latency", "no column 'latency'"),
    ],
)
def test_unknown_names(package, dataset, signal, report, message):
    with pytest.raises(InputError, match=message):
        nasbench_graph.rows(dataset, signal, report)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nas_bench_graph", None)
    with pytest.raises(InputError, match=r"pip install 'nao-search\[graph\]'"):
        nasbench_graph.rows("cora", "valid", "test")


def test_the_real_package():
    """The smallest data set: its five operations make 2,021 networks, and it has all of them."""
    pytest.importorskip("nas_bench_graph")
    space, rows = nasbench_graph.rows("proteins", "valid", "test")
    assert space.operations == ("gcn", "sage", "arma", "fc", "skip")
    assert len(rows) == 2021
    for architecture in space.sample(np.random.default_rng(0), 500):
        assert space.canonical(architecture) in rows
    assert all(0 < row.score < 1 and row.parameters > 0 for row in rows.values())
