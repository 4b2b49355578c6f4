"""Why rows got their scores: the reasons of a night, and all that is known of one row."""
