"""`python -m degrade`: the `degrade` command."""

from degrade.cli import main

main()
