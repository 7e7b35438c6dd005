"""The donor portal: sign-in, sessions, contact info."""
