"""The backend on PostgreSQL, for one process or many."""
