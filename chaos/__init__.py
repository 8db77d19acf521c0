"""The harness: faults on purpose, and a verdict on what they cost. ``python -m chaos --list``.

``server`` runs a real one, ``flows`` has the workflows, ``reader`` the subscribers, ``arena``
brings them together for one scenario, and ``verdict`` compares what children, subscribers and the
log say.
"""
