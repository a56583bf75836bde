"""A stand-in DMS over real Modbus TCP, for the demo and for tests; it never writes the database."""
