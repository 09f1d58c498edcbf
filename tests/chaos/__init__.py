"""Three replicas as processes on one PostgreSQL, which are killed, frozen and restarted, and whose database goes away.

Invoices come up, people ask and pay meanwhile. At the end everything must have happened: once, and on time.

    python -m tests.chaos [minutes]     # or: make chaos MINUTES=10

``world`` puts it together, ``people`` live in it, ``breakage`` breaks it, and ``verdict`` says what must hold.
"""
