"""What becomes of stored records when something happens. Pure functions: no I/O, no clock."""
