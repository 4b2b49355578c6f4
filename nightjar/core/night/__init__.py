"""A night: which date it is, how its work is planned, cut, claimed, checked and repaired."""
