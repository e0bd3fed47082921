"""What people see: progress while a search runs, and tables and pages of what it found.

- `nao.report.progress`: a live bar in a terminal, plain lines elsewhere.
- `nao.report.tables`: a run, its best architecture, the search spaces.
- `nao.report.search_page`: a search as one HTML page, of the `figures`. `nao.report.comparison_page`: a
  comparison, of the `curves`. `nao.report.page`: what both are made with. `nao.report.energy`: what it took.
"""

from nao.report.progress import observer
from nao.report.tables import show_run, show_spaces, show_zoo

__all__ = ["observer", "show_run", "show_spaces", "show_zoo"]
