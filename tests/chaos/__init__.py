"""Three replicas, as processes on one PostgreSQL, are killed, frozen and restarted, and their database is stopped.

Meanwhile the provider issues invoices, and people ask and pay. At the end everything must have happened, once and on
time.

    python -m tests.chaos [minutes]     # or: make chaos MINUTES=10

``world`` builds it, ``people`` use it, ``faults`` disrupts it, and ``verdict`` checks what must hold.
"""
