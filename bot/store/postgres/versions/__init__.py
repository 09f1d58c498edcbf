"""The schema, step by step. Each step is one file, and one transaction with the note that it was taken."""
