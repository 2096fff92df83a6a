"""Measurements of the quality of choices: `python -m evals` lists them."""
