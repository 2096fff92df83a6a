"""Readings → scores: scales that let boards stand beside each other, and categories that weigh them."""
