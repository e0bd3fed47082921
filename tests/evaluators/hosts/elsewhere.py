"""A host elsewhere whose devices are quick: `python elsewhere.py ADDRESS TOKEN_FILE SECONDS [LINK ...]`."""

import dataclasses
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))

from nao.configuration import plain
from nao.evaluators.hosts.cluster import LINK, Cluster
from nao.evaluators.hosts.join import EvaluatorHost, host_name
from nao.evaluators.hosts.pool import HostPool
from nao.evaluators.hosts.station import Station
from nao.evaluators.hosts.token import existing_token, token
from tests.evaluators.fake import FakeProgram

HERE = Path(__file__).parent
QUICK = (sys.executable, str(HERE / "quick.py"))
FAKE_LINK = (sys.executable, str(HERE / "fake_link.py"))


@dataclasses.dataclass(frozen=True)
class Quick(FakeProgram):
    """What `quick.py` runs."""

    kills: tuple[str, ...] = ()
    hangs: tuple[str, ...] = ()
    more: tuple[tuple[str, object], ...] = ()

    def configuration(self):
        return {"program": "quick", "kills": list(self.kills), "hangs": list(self.hangs), **dict(self.more)}


def driver(program, address, folder, *, link=FAKE_LINK, devices=0, seconds="0.02", **options):
    """A pool whose hosts join at an address; the folder has its token."""
    recipe = {"configuration": plain(program.configuration())}
    cluster = Cluster(str(address), token(folder / "token"), recipe, link)
    return HostPool(program, devices, command=(*QUICK, seconds), cluster=cluster, **options)


def main(address, token_file, seconds, *link):
    name = host_name()

    def notice(line):
        print(line, flush=True)

    station = Station(name, notice, command=(*QUICK, seconds))
    host = EvaluatorHost(name, address, existing_token(Path(token_file)), station, notice, link or LINK)
    try:
        host.run()
    except KeyboardInterrupt:
        os._exit(130)
    except ValueError as error:
        print(f"error: {error}", flush=True)
        os._exit(2)


if __name__ == "__main__":
    main(*sys.argv[1:])
