"""Ray, the engine that finds and reaches hosts elsewhere: how its node of this machine is started.

Only the process of a link imports Ray (see `link`).
"""

import dataclasses
import ipaddress
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nao.evaluators.hosts.address import own_address
from nao.evaluators.hosts.door import TurnedAway, knock
from nao.evaluators.hosts.letterbox import DRIVER, NAMESPACE

LONG = 3.0  # seconds that a connection may take
STORE = 100_000_000  # bytes of the engine's store of objects; letters have no more than some kilobytes


class Refused(Exception):
    """There is no use in trying again. The message is for the user."""


class Lost(Exception):
    """The connection is lost."""


def settings(host: str, token: str) -> dict[str, str]:
    """What the engine is told by its environment, before it is imported."""
    found = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": token,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_py_gcs_connect_timeout_s": "3",
        "RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL": "minor",
        "RAY_task_events_report_interval_ms": "0",  # it would remember each letter
        "RAY_maximum_gcs_destroyed_actor_cached_count": "100",  # of hosts that have come and gone
    }
    if ipaddress.ip_address(host).is_loopback:  # else it would look for an address that others can reach
        found["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    return found


@dataclasses.dataclass(frozen=True)
class Place:
    """Where this machine is in the engine.

    Attributes:
      node: the engine's node of this machine.
      engine: the address of the head.
      door: what hosts knock at, where the head is this machine's.
    """

    node: Any
    engine: str
    door: socket.socket | None


def connect(role: Mapping[str, Any], folder: Path) -> Place:
    """Starts the engine's node of this machine: the head, where the driver finds none.

    Raises:
      Refused: the token is not the one of the head, or the versions differ.
      Lost: there is no head, yet.
    """
    os.environ.pop("RAY_AUTH_TOKEN", None)  # the file decides
    os.environ.pop("RAY_ADDRESS", None)
    name, port = parts(role["address"])
    host, driver = resolved(name), role["role"] == DRIVER
    os.environ.update(settings(host, role["token"]))
    import ray
    from ray._private.node import Node
    from ray._private.parameter import RayParams

    door, engine = None, ask_the_way(host, port, role)
    if engine:
        check_token(engine)
    elif driver:
        door = own_door(host, port)
    else:
        raise Lost(f"nobody listens at {role['address']}")
    common = {
        "node_ip_address": own_address(parts(engine)) if engine else host,
        "num_cpus": 0 if driver else None,
        "num_gpus": 0 if driver else None,
        "object_store_memory": STORE,
        "temp_dir": str(folder),
        "include_dashboard": False,
        "include_log_monitor": False,
        "dashboard_agent_listen_port": 0,
        "min_worker_port": 0,
        "max_worker_port": 0,
        "no_monitor": True,
    }
    try:
        if engine:
            node = Node(RayParams(gcs_address=engine, node_manager_port=0, **common), head=False)
        else:
            node = Node(RayParams(gcs_server_port=0, **common), head=True)
            engine = node.gcs_address
        ray.init(
            address=engine,
            namespace=NAMESPACE,
            log_to_driver=False,
            logging_level="ERROR",
            _temp_dir=str(folder),
        )
    except RuntimeError as error:
        if "Version mismatch" in str(error):
            raise Refused(" ".join(str(error).split())[:300]) from error
        raise
    return Place(node, engine, door)


def parts(address: str) -> tuple[str, int]:
    """Host and port of an address."""
    host, _, port = address.rpartition(":")
    return host, int(port)


def ask_the_way(host: str, port: int, role: Mapping[str, Any]) -> str | None:
    """The address of the engine: what a door says, or that of whoever else listens. None if nobody does.

    Raises:
      Refused: the token is not the one of the search.
      Lost: whoever listens says nothing.
    """
    try:
        connection = socket.create_connection((host, port), timeout=LONG)
    except OSError:
        return None
    try:
        return knock(connection, role["token"]) or f"{host}:{port}"
    except TurnedAway as error:
        raise Refused(
            f"{host}:{port} refuses the token of this host ({error}); copy the file of the driver"
        ) from error
    except TimeoutError as error:
        raise Lost(f"{host}:{port} does not answer as a search does") from error


def resolved(name: str) -> str:
    """The address of a host.

    Raises:
      Lost: it has none, yet.
    """
    try:
        return socket.gethostbyname(name)
    except OSError as error:
        raise Lost(f"there is no host {name!r}") from error


def own_door(host: str, port: int) -> socket.socket:
    """What hosts knock at. They wait there until the engine has started.

    Raises:
      Refused: this machine cannot listen there.
    """
    try:
        return socket.create_server((host, port), backlog=128)
    except OSError as error:
        raise Refused(f"this machine cannot listen at {host}:{port}: {error.strerror}") from error


def check_token(address: str) -> None:
    """Asks the head, once: starting a node would ask again for twenty seconds.

    Raises:
      Refused: the token is not the one of the head.
      Lost: what listens there is no head, or does not answer.
    """
    import ray
    from ray.exceptions import AuthenticationError

    try:
        ray._raylet.GcsClient(address=address)
    except AuthenticationError as error:
        raise Refused(f"{address} refuses the token of this host; copy the file of the driver") from error
    except Exception as error:
        raise Lost(f"{address} does not answer as a search does") from error
