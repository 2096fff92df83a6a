"""`doctor`: what is set, what is wrong, and how to put it right."""
