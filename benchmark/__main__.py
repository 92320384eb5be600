"""`python -m degrade.benchmark`: the `benchmark` command."""

from degrade.benchmark.cli import main

main()
