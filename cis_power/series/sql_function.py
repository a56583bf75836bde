"""`series_values(series, from, to)`: packed history as rows, for other tools that read the PostgreSQL database.

SQLite has no stored functions: docs/data-model.md shows how a tool unpacks the blobs there.
"""

from typing import Any

_NUMBER = """
CREATE FUNCTION series_number(packed bytea, slot integer, wide boolean) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits bigint := 0;
    width integer := CASE WHEN wide THEN 8 ELSE 4 END;
    mantissa_bits integer := CASE WHEN wide THEN 52 ELSE 23 END;
    exponent_mask bigint := CASE WHEN wide THEN 2047 ELSE 255 END;
    exponent bigint;
    mantissa bigint;
    size double precision;
BEGIN
    FOR place IN REVERSE width - 1 .. 0 LOOP
        bits := (bits << 8) | get_byte(packed, slot * width + place);
    END LOOP;
    exponent := (bits >> mantissa_bits) & exponent_mask;
    mantissa := bits & ((1::bigint << mantissa_bits) - 1);
    IF exponent = exponent_mask THEN
        size := CASE WHEN mantissa = 0 THEN 'Infinity' ELSE 'NaN' END;
    ELSIF exponent = 0 THEN
        size := mantissa::double precision * power(2::double precision, 2 - (exponent_mask + 1) / 2 - mantissa_bits);
    ELSE
        size := (mantissa | (1::bigint << mantissa_bits))::double precision
            * power(2::double precision, exponent + 1 - (exponent_mask + 1) / 2 - mantissa_bits);
    END IF;
    RETURN CASE WHEN (bits >> (width * 8 - 1)) & 1 = 1 THEN -size ELSE size END;
END $$
"""

_VALUES = """
CREATE FUNCTION series_values(wanted bigint, from_at timestamptz, to_at timestamptz)
RETURNS TABLE (at timestamptz, value double precision, quality integer, step_seconds bigint)
LANGUAGE sql STABLE AS $$
    SELECT at, value, coalesce(quality, 0), step_seconds FROM (  -- no quality bytes: all good
        SELECT to_timestamp(chunk.first_at_seconds + slot * chunk.step_seconds) AS at,
               series_number(chunk.values, slot, series.wide) AS value,
               get_byte(chunk.quality, slot) AS quality,
               chunk.step_seconds
        FROM series_chunk AS chunk
        JOIN series ON series.id = chunk.series_id,
        LATERAL generate_series(0, length(chunk.values) / CASE WHEN series.wide THEN 8 ELSE 4 END - 1) AS slot
        WHERE chunk.series_id = wanted
          AND chunk.first_at_seconds >= extract(epoch FROM from_at) - 31 * 86400
          AND chunk.first_at_seconds < extract(epoch FROM to_at)
    ) AS slots (at, value, quality, step_seconds)
    WHERE at >= from_at AND at < to_at AND coalesce(quality, CASE WHEN value = 'NaN' THEN 5 ELSE 0 END) < 5
    ORDER BY at, step_seconds
$$
"""


def create(op: Any) -> None:
    """Make the functions, on PostgreSQL."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_NUMBER)
        op.execute(_VALUES)


def drop(op: Any) -> None:
    """Take the functions away."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION series_values(bigint, timestamptz, timestamptz)")
        op.execute("DROP FUNCTION series_number(bytea, integer, boolean)")
