"""The `nao` command, also as `python -m nao`.

Importing takes a second or two, and JAX, interrupted there, leaves a traceback or aborts. So until there is
something to lose, Ctrl-C ends the process at once; `nao.cli.stoppable` says from where on it is listened to.
"""

import os
import signal

STOPPED = 130  # the exit status


def main() -> None:
    """Runs the command line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not one that is told to ignore it
        signal.signal(signal.SIGINT, lambda *_: os._exit(STOPPED))
    from nao.cli import main as command

    command()


if __name__ == "__main__":
    main()
