"""Where the curves of a search can go as well: TensorBoard, MLflow or Weights & Biases.

A search tells none of them anything unless it is asked to, and imports nothing of this room then:

    observer = sinks.SinkObserver(sinks.sink("tensorboard:runs/curves"))
    nao.optimize("cnn-cell-small", evaluator, observer=observer)

A `Sink` is the one interface, an adapter of a few lines for each; the package behind it is imported when it
is made. Axis letters: none.
"""

from nao.sinks.observer import SinkObserver
from nao.sinks.sink import Sink, sink

__all__ = ["Sink", "SinkObserver", "sink"]
