"""The probability that a shop sells out tomorrow. REPLACE: say what is predicted."""
