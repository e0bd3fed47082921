"""Comparing strategies honestly: the same budget, the same start, every label counted.

A map of this room:

- `compare(factories, evaluator, budget=200, repeats=30)` plays every strategy and returns a `Comparison`;
  `read(folder)` returns that of a folder.
- `nao.compare.run`: one run, a strategy that spends its budget. `nao.compare.workers`: many at a time.
- `nao.compare.folder`: the folder of a comparison, which goes on where it was stopped.
- `nao.compare.curves`: what the queries of many runs come to, as arrays. `nao.compare.tables`: the same as
  rows of CSV files, with bootstrap intervals.

The protocol:

- M counts every label that was asked for, those of the random architectures at the start too.
- Repeat r of every strategy has the seed r, so all begin with the same architectures: repeats are pairs.
- The best architecture is chosen by the signal alone; the reporting score is only looked up for it.
"""

from nao.compare.curves import Comparison, Runs
from nao.compare.harness import StrategyFactory, compare, read

__all__ = ["Comparison", "Runs", "StrategyFactory", "compare", "read"]
