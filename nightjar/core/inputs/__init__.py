"""What a night's inputs look like, and whether they are like those of the nights before."""
