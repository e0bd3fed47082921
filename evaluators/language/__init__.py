"""Language models: networks of one recurrent cell, trained as NAO and ENAS train them.

- `program`: `LanguageProgram`, what the device pool runs. `child`: the settings of a child and its training.
- `network`: the language model around a cell. `gated`, `tree`: the two kinds of cell, as data.
- `choices`: activations and combiners, chosen by their numbers.
- `windows`: a text as streams that are read in windows. `dropout`: the masks of a window.
- `training`: one child, as one traced function. `averaging`: of its last weights.
- `cost`: parameters, FLOPs and memory.
"""

from nao.evaluators.language.child import LanguageChild
from nao.evaluators.language.program import LanguageProgram, make

__all__ = ["LanguageChild", "LanguageProgram", "make"]
