"""The embedded backend: small TinyDB files in a folder, for one process."""
