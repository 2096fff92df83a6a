"""Model calls: who serves a model, how it is asked, and what its refusals mean."""
