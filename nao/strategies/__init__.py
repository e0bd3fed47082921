"""Ways to propose architectures. Each is a `nao.core.Strategy`, and runs on any space.

- `nao`: `NAO`, gradient ascent in the embedding space of an encoder (Luo et al. 2018), which it is handed.
- `random`: `Random`, uniform sampling without repetition, what every other one has to beat.
- `local_search`: uphill from neighbour to neighbour (White, Nolen and Savani 2021).
- `evolution`: a population in which the oldest die (Real et al. 2019).
- `reinforce`: a recurrent policy and its gradient (Zoph and Le 2017).
- `gaussian_process`: Bayesian optimisation by expected improvement.
- `progressive`: from short strings to long ones, under a predictor (Liu et al. 2018).
- `q_learning`: the values of the next token (Baker et al. 2017).
- `named`: all but NAO by their names on the command line. SciPy makes it slow to import, so not here.
"""

from nao.strategies.nao import NAO
from nao.strategies.random import Random

__all__ = ["NAO", "Random"]
