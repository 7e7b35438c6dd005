"""Mail: what is due, sent once."""
