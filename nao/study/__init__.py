"""What a search has found, in memory and on the disk.

- `nao.study.history`: `History`, everything that was found, as plain records. `nao.study.confirmation`: how
  the answer is chosen among the best, and scored, by training them again.
- `nao.study.ledger`: `Ledger`, a history that grows. `nao.study.study`: `Study`, the ledger that is written
  into a run's folder, `read`, and `default_folder`.
- `nao.study.database`, `reading`, `arrays`: the file, what is read out of it, and arrays beside it.
- `nao.study.recorded`: the space of a study that cannot be made again.
"""

from nao.study.history import History, Iteration
from nao.study.ledger import Ledger
from nao.study.study import Study, default_folder, read

__all__ = ["History", "Iteration", "Ledger", "Study", "default_folder", "read"]
