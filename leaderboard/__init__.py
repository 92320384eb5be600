"""The results of the benchmark, their schema, and the template of their pages."""
