"""Which devices have opened, judged by who calls and who does not; pure."""
