"""The table of NAS-Bench-Graph, from a package of its layout that is made here and from the real one."""

import itertools
import pickle
import sys
import types

import numpy as np
import pytest

from nao.core import Architecture, InputError
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


FIVE = (1, 4, 5, 7, 8)  # gcn, sage, arma, fc, skip
THREE = (1, 7, 8)  # gcn, fc, skip
NETWORKS = 192  # that differ, of three operations


def number_networks(used):
    """One number for each of the different networks of some operations, by its canonical key."""
    found = {}
    for macro, *layers in itertools.product(range(len(MACROS)), *[used] * 4):
        links, operations = MACROS[macro], [LAYERS[o] for o in layers]
        if set(layers) != {8}:
            x = Architecture(NASBENCH_GRAPH.tokens_of(links, operations), NASBENCH_GRAPH)
            number = int("".join(map(str, (macro, *layers))))
            found.setdefault(NASBENCH_GRAPH.canonical(x), number)
    return found


@pytest.fixture(scope="module")
def numbers():
    """One number for each different network of three operations; of five it takes ten times as long."""
    return number_networks(THREE)


@pytest.fixture
def package(numbers, monkeypatch):
    """All networks of three operations; the first has a number of four digits, one has two idle skips."""
    module = types.ModuleType("nas_bench_graph")
    module.link_list, module.gnn_list = MACROS, LAYERS
    nothing = {"valid_perf": 0.1, "perf": 0.1, "latency": 0.004, "para": 0.5}
    module.measured = {number: dict(nothing) for number in numbers.values()}
    for number in ("gcn(fc)", "gcn gcn gcn(fc)"):
        del module.measured[numbers[number]]
    module.measured |= {
        1111: {"valid_perf": 0.75, "perf": 0.5, "latency": 0.004, "para": 1.369863},
        11117: {"valid_perf": 0.25, "perf": 0.625, "latency": 0.005, "para": 0.5},
        88817: {"valid_perf": 0.5, "perf": 0.375, "latency": 0.006, "para": 0.001},
    }
    module.light_read = {"cora": module.measured}.__getitem__
    monkeypatch.setitem(sys.modules, "nas_bench_graph", module)
    monkeypatch.setitem(nasbench_graph.DIFFERENT, len(THREE), NETWORKS)
    return module


def test_five_operations_make_as_many_networks_as_were_measured():
    assert len(number_networks(FIVE)) == nasbench_graph.DIFFERENT[5] == 2021


def test_numbers_are_read_as_macro_structure_and_operations(package):
    space, rows = nasbench_graph.rows("cora", "valid", "test")
    assert len(rows) == NETWORKS
    assert {key: rows[key] for key in ("gcn gcn gcn gcn", "gcn gcn gcn(fc)", "gcn(fc)")} == {
        "gcn gcn gcn gcn": Row(0.75, 0.5, 1_369_863, 0.0),
        "gcn gcn gcn(fc)": Row(0.25, 0.625, 500_000, 0.0),
        "gcn(fc)": Row(0.5, 0.375, 1000, 0.0),
    }
    assert space.operations == ("gcn", "fc", "skip")  # those that were used


def test_columns_are_the_ones_asked_for(package):
    _, rows = nasbench_graph.rows("cora", "test", "valid")
    assert (rows["gcn(fc)"].score, rows["gcn(fc)"].test_score) == (0.375, 0.5)


def test_the_space_has_the_operations_that_were_used(package, monkeypatch):
    package.measured[2356] = package.measured[1111]  # gin cheb arma graph
    package.measured[4] = package.measured[1111]  # gat gat gat sage
    monkeypatch.setitem(nasbench_graph.DIFFERENT, 9, len(package.measured))
    space, _ = nasbench_graph.rows("cora", "valid", "test")
    assert space == NASBENCH_GRAPH


def test_two_numbers_of_one_network_are_another_version(package):
    package.measured[88187] = package.measured[1111]  # skip gcn skip fc
    with pytest.raises(InputError, match="193 networks on cora are 192 different ones"):
        nasbench_graph.rows("cora", "valid", "test")


def test_missing_networks(package, monkeypatch):
    del package.measured[1111]
    with pytest.raises(InputError, match="cora has 191 networks, and not all 192"):
        nasbench_graph.rows("cora", "valid", "test")
    monkeypatch.delitem(nasbench_graph.DIFFERENT, len(THREE))
    for number in set(package.measured) - {88817}:
        del package.measured[number]
    with pytest.raises(InputError, match="cora has 1 networks, and not all 26,206"):
        nasbench_graph.rows("cora", "valid", "test")


@pytest.mark.parametrize("value", [float("nan"), "high", None])
def test_a_score_that_is_no_number(value, package):
    package.measured[11117]["perf"] = value
    said = "missing" if value is None else repr(str(value))
    message = f"nas-bench-graph cora, gcn gcn gcn fc: perf is {said}, but must be a finite number"
    with pytest.raises(InputError, match=message):
        nasbench_graph.rows("cora", "valid", "test")
    del package.measured[11117]["perf"]
    with pytest.raises(InputError, match="perf is missing"):
        nasbench_graph.rows("cora", "valid", "test")


def test_a_file_of_the_package_that_is_cut_off(package):
    package.light_read = lambda dataset: pickle.loads(pickle.dumps(package.measured)[:-100])
    with pytest.raises(InputError, match=r"cannot read its cora, it is damaged or another version; 1.4 is"):
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
