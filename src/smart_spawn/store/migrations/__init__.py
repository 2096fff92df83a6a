"""Alembic's migrations, packaged so that they run in process when a database is opened."""
