"""One engine to compare a night with other nights, for the audit of its inputs and for its drift.

It says which nights are compared (`comparable`), what a value is (`columns`), what a night looks like in a
few numbers (`profile`), how far apart nights are (`distance` between profiles, `psi` between rows), and what
past nights prove to be ordinary (`ordinary`). What follows from it, each caller decides.
"""
