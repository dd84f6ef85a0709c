"""People, sessions, inbox."""
