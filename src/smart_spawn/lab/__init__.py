"""The replay lab: what other settings would have chosen for traffic that is on record. No model is called."""
