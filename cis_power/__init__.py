"""cis-power: a customer information system for electric power distribution."""
