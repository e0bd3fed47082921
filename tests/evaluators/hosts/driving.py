"""A search whose hosts are elsewhere, and whose devices are quick."""

import dataclasses

from nao.configuration import plain
from nao.evaluators.hosts.cluster import Cluster
from nao.evaluators.hosts.pool import HostPool
from nao.evaluators.hosts.token import token
from tests.evaluators.fake import FakeProgram
from tests.evaluators.hosts.elsewhere import FAKE_LINK, QUICK


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
