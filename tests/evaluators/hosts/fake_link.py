"""A link without an engine: letters are files in a folder, its `address`. See `nao.evaluators.hosts.link`."""

import json
import os
import select
import shutil
import sys
import time
from pathlib import Path

LOOK = 0.005
BUFFER = b""


def say(**message):
    os.write(1, json.dumps(message).encode() + b"\n")


def told():
    """The messages that have arrived; once all are, the process ends with the input."""
    global BUFFER
    while select.select([0], [], [], 0)[0]:
        chunk = os.read(0, 1 << 16)
        if not chunk and not BUFFER:
            raise SystemExit
        if not chunk:
            break
        BUFFER += chunk
    *lines, BUFFER = BUFFER.split(b"\n")
    return [json.loads(text) for text in lines]


def write(path, text):
    path.with_suffix(".new").write_text(text)
    os.replace(path.with_suffix(".new"), path)


def read(path, seen):
    """What a file says, if it is another one than was seen."""
    try:
        with open(path) as file:  # which another one may take the place of meanwhile
            text, status = file.read(), os.fstat(file.fileno())
    except OSError:
        return None
    if seen.get(path) == (status.st_ino, status.st_mtime_ns):
        return None
    seen[path] = status.st_ino, status.st_mtime_ns
    return json.loads(text)


def alive(box):
    """Whether the host of a letterbox is, which is never reaped while it has a parent that waits for it."""
    try:
        state = Path(f"/proc/{(box / 'pid').read_text()}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def drive(folder):
    (folder / "head").write_text(str(os.getpid()))
    say(listens=str(folder))
    seen, joined = {}, set()
    while True:
        for message in told():
            box = folder / message["host"]
            if "send" in message and box.is_dir():
                sends = folder / "sends"
                sends.write_text(str(1 + int(sends.read_text() if sends.exists() else 0)))
                shutil.copyfile(message["path"], box / "data.new")
                os.replace(box / "data.new", box / "data")
            elif box.is_dir():
                write(box / "told", json.dumps(message["told"]))
        for box in sorted(each.parent for each in folder.glob("*/pid")):
            lives = alive(box)  # before its last letter is read
            if lives and box.name not in joined:
                joined.add(box.name)
                say(joined=box.name)
            if box.name in joined and (said := read(box / "said", seen)) is not None:
                say(host=box.name, said=said)
            if not lives:
                shutil.rmtree(box)
                if box.name in joined:
                    joined.remove(box.name)
                    say(left=box.name, reason="gone")
        time.sleep(LOOK)


def serve(folder, name):
    if not folder.is_dir():
        say(lost=f"there is no {folder}")
        return
    if (folder / "refuses").exists():
        say(refused="the token is refused")
        return
    box, seen, take = folder / name, {}, None
    box.mkdir()
    say(joined=json.loads((folder / "counts").read_text()) if (folder / "counts").exists() else {"CPU": 2})
    write(box / "pid", str(os.getpid()))
    while True:
        for message in told():
            if "take" in message:
                take = message
            else:
                write(box / "said", json.dumps(message["said"]))
        if take and (box / "data").exists():
            Path(take["to"]).parent.mkdir(parents=True, exist_ok=True)
            os.replace(box / "data", take["to"])
            say(taken=take["take"])
            take = None
        if (news := read(box / "told", seen)) is not None:
            say(told=news)
        if not Path(f"/proc/{(folder / 'head').read_text()}").exists():
            say(lost="the head is gone")
            return
        time.sleep(LOOK)


if __name__ == "__main__":
    role = json.loads(sys.stdin.buffer.raw.readline())
    where = Path(role["address"])
    drive(where) if role["role"] == "driver" else serve(where, role["id"])
