"""What each input added to a score, which rows are told it, and in which words."""
