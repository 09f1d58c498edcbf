"""A hosting provider on this machine: the invoice API of the reference over HTTP, with faults to switch on."""
