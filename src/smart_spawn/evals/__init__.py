"""Measuring policies on recorded outcomes: no model is called."""
