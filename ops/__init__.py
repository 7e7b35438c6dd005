"""The staff's command line: `python -m ops --help`. Never packaged."""
