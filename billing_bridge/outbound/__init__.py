"""Files for other systems: what each holds, computed from our tables."""
