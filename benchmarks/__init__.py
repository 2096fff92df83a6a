"""How fast it is: `python -m benchmarks` measures everything, `.route` and `.http` below it one part each.

`.against` compares this version with another commit, `.gateway --beside` our gateway with others.
"""
