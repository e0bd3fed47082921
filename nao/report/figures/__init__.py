"""The figures of a search, each a chart with its words and its numbers.

- `nao.report.figures.trials`: the data that several of them share.
- `nao.report.figures.best_so_far`, `iterations`, `predictions`, `cost`: they need the history alone.
- `nao.report.figures.calibration`, `embedding_map`, `attribution`: they ask the fitted models.
- `nao.report.figures.cells`: the best architectures, drawn.

Axis letters: none.
"""
