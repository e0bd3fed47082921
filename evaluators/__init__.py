"""Evaluators: the pool of devices, the programs that it runs, and tables of known scores.

- `make` turns a configuration back into the evaluator that it came from.
- `nao.evaluators.hosts`: `HostPool`, which trains architectures in processes of their own, on this machine
  and on others, as the command line does: a child that kills its process or never ends is a failed result.
- `nao.evaluators.pool`: `DevicePool`, which trains architectures on all local devices, in this process.
- `nao.evaluators.program`: `Program`, what the pool asks of the networks that it trains.
- `nao.evaluators.images`: image classification, the program behind `nao optimize`.
- `nao.evaluators.language`: language models, the program behind `nao optimize --space rnn-cell`.
- `nao.evaluators.tables`: scores that are looked up.
- `nao.evaluators.devices`: virtual devices and the cache of compiled programs; call `set_up_devices` first.
"""

import importlib
from collections.abc import Mapping

from nao.core import Evaluator, InputError, Json

if __name__ != "nao.evaluators":
    raise ImportError("import nao.evaluators, not this folder")

PROGRAMS = {"images": "nao.evaluators.images", "language": "nao.evaluators.language"}
"""The module of each program that a configuration can name; it has a `make` of its own."""


def make(configuration: Mapping[str, Json], devices: int | None = None) -> Evaluator:
    """The evaluator that a configuration describes: `make(x.configuration()) == x`.

    Args:
      configuration: of a table, or of a pool.
      devices: how many local devices a pool uses; all of them when None.

    Raises:
      InputError: it describes no evaluator, or one that cannot be made here.
    """
    if "table" in configuration:
        from nao.evaluators import tables

        return tables.make(configuration)
    name = configuration.get("program")
    if not isinstance(name, str) or name not in PROGRAMS:
        raise InputError(f"there is no program {name!r}; the programs are {', '.join(PROGRAMS)}")
    from nao.evaluators.pool import DevicePool  # imports JAX, which tables do without

    return DevicePool(importlib.import_module(PROGRAMS[name]).make(configuration), devices)
