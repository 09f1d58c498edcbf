"""Where things are kept: the embedded store on TinyDB, and the vault that seals tokens."""
