"""Pure rules and types: no I/O, no clock; whatever time it is comes in as an argument."""
