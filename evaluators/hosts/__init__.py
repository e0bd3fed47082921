"""Hosts: whoever trains children for a search, in a process of its own on this machine or on another one.

- `messages`: what the driver of a search and a host say to each other, as JSON.
- `scheduler`: who is to have which child, and what becomes of one that dies, hangs or is lost. Pure: it is
  handed what happened and what time it is.
- `worker`: the process that drives the devices of a host. `supervisor`: starts and watches it.
- `process`: a process that is told, and says, such messages.
- `pool`: `HostPool`, the evaluator that has its children trained by hosts.
- `cluster`: those of a search that are elsewhere. `join`, `station`: what runs there, `nao evaluate --join`.
- `link`, `ends`, `engine`, `letterbox`: how they reach each other, by Ray. `address`: where hosts join.
  `token`: what lets them in.

The driver holds all state. It tells a host the complete set of attempts that it should have; the host answers
with the complete set that it has, and ends what it was not told of. So nothing is lost that either side
forgets, and nothing runs that nobody waits for.
"""
