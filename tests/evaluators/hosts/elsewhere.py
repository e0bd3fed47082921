"""A host elsewhere whose devices are quick: `python elsewhere.py ADDRESS TOKEN_FILE SECONDS [LINK ...]`."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))

from nao.evaluators.hosts.cluster import LINK
from nao.evaluators.hosts.join import EvaluatorHost, host_name
from nao.evaluators.hosts.station import Station
from nao.evaluators.hosts.token import existing_token

HERE = Path(__file__).parent
QUICK = (sys.executable, str(HERE / "quick.py"))
FAKE_LINK = (sys.executable, str(HERE / "fake_link.py"))


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
