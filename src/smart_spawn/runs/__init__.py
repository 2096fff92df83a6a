"""Carrying out what a mode planned."""
