"""Route tests as code: which model a team expects for which task, checked wherever the catalogue changes."""
