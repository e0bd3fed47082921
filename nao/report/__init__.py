"""What people see: progress while a search runs, and tables of what it found.

- `nao.report.progress`: a live bar in a terminal, plain lines elsewhere.
- `nao.report.tables`: a run, its best architecture, the search spaces.
"""

from nao.report.progress import observer
from nao.report.tables import show_run, show_spaces

__all__ = ["observer", "show_run", "show_spaces"]
