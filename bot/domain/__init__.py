"""Pure rules and types: no I/O and no clock. The caller passes the time in."""
