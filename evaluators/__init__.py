"""Child networks, how they are trained, and the pool of devices that trains them.

- `nao.evaluators.child`: the options of a child network and its training.
- `nao.evaluators.pool`: `DevicePool`, the evaluator behind `nao optimize`.
- `nao.evaluators.devices`: virtual devices and the cache of compiled programs; call `prepare` first.
- `nao.evaluators.network`, `initial`, `cell`, `operations`: the network, from the whole to its parts.
- `nao.evaluators.primitives`, `shifted`, `native`: convolutions and pooling on CPUs and accelerators.
- `nao.evaluators.training`, `cost`: training one child as one traced function; parameters and FLOPs.
"""

if __name__ != "nao.evaluators":
    raise ImportError("import nao.evaluators, not this folder")
