"""`python -m nao` is the `nao` command."""

from nao.cli import main

main()
