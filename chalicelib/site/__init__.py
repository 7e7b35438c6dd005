"""Pages. Imports no store: data is handed in."""
