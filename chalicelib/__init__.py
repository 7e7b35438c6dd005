"""Everything that ships to Lambda."""
