"""What users and programs see, the same on every surface: the contract's JSON, and what each error becomes."""
