-- Microseconds since 1970 as a time; what no time can say is at its end.
CREATE FUNCTION mainstem_time(micros bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN micros < -210000000000000000 THEN '-infinity'::timestamptz
        WHEN micros > 9200000000000000000 THEN 'infinity'::timestamptz
        ELSE timestamptz '1970-01-01 00:00:00+00' + micros * interval '1 microsecond' END $$;
CREATE FUNCTION mainstem_micros(at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN at = '-infinity' THEN -9223372036854775808
        WHEN at = 'infinity' THEN 9223372036854775807
        ELSE (extract(epoch FROM at) * 1000000)::bigint END $$;
CREATE VIEW mainstem_edits AS
SELECT p.series, u.time AS since, split_part(convert_from(u.text, 'UTF8'), ' ', 1)::bigint AS until,
    coalesce(u.row, p.low + u.place - 1) AS row,
    substr(convert_from(u.text, 'UTF8'), strpos(convert_from(u.text, 'UTF8'), ' ') + 1) AS note
FROM piece p CROSS JOIN LATERAL unnest(p.times, p.texts, p.rows)
    WITH ORDINALITY AS u (time, text, row, place)
WHERE p.kind = 5;
-- The newest version of every sample: without what edits superseded, and without the edits.
CREATE VIEW mainstem_samples AS
SELECT coalesce(s.name, s.logger) AS name, mainstem_time(u.time) AS time,
    CASE p.kind WHEN 1 THEN u.number WHEN 2 THEN u.integer WHEN 3 THEN u.integer END AS value,
    CASE WHEN p.kind = 4 THEN CASE WHEN position('\x00'::bytea IN u.text) > 0
        THEN encode(u.text, 'escape') ELSE convert_from(u.text, 'UTF8') END END AS text,
    (ARRAY['good', 'uncertain', 'bad'])[least(p.quality / 256, 2) + 1] AS quality,
    s.unit, s.description, p.series, coalesce(u.row, p.low + u.place - 1) AS row
FROM piece p JOIN series s ON s.id = p.series
CROSS JOIN LATERAL unnest(p.times, p.numbers, p.integers, p.texts, p.rows)
    WITH ORDINALITY AS u (time, number, integer, text, row, place)
WHERE p.kind <> 5 AND NOT EXISTS (SELECT 1 FROM mainstem_edits e
    WHERE e.series = p.series AND u.time >= e.since AND u.time < e.until
        AND coalesce(u.row, p.low + u.place - 1) < e.row);
-- The same for some names and a span, read by the index and from the partitions concerned only.
CREATE FUNCTION mainstem_history(names text[], since timestamptz, until timestamptz)
RETURNS TABLE (name text, "time" timestamptz, value double precision, quality text, unit text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(s.name, s.logger), mainstem_time(u.time),
        CASE p.kind WHEN 1 THEN u.number WHEN 2 THEN u.integer WHEN 3 THEN u.integer END,
        (ARRAY['good', 'uncertain', 'bad'])[least(p.quality / 256, 2) + 1], s.unit
    FROM series s JOIN piece p ON p.series = s.id
    CROSS JOIN LATERAL unnest(p.times, p.numbers, p.integers, p.rows)
        WITH ORDINALITY AS u (time, number, integer, row, place)
    WHERE coalesce(s.name, s.logger) = ANY (names)
        AND p.first >= mainstem_micros(since) - 600000000 AND p.first < mainstem_micros(until)
        AND u.time >= mainstem_micros(since) AND u.time < mainstem_micros(until)
        AND p.kind <> 5 AND NOT EXISTS (SELECT 1 FROM mainstem_edits e
            WHERE e.series = p.series AND u.time >= e.since AND u.time < e.until
                AND coalesce(u.row, p.low + u.place - 1) < e.row)
    ORDER BY 2, 1 $$;
CREATE VIEW mainstem_rollups AS
SELECT coalesce(s.name, s.logger) AS name,
    (ARRAY['minute', 'hour', 'day', 'month'])[r.step] AS step, mainstem_time(r.start) AS time,
    r.count, r.good, CASE WHEN r.good > 0 OR r.known > 0 THEN r.min END AS min,
    CASE WHEN r.good > 0 OR r.known > 0 THEN r.max END AS max,
    CASE WHEN r.known > 0 THEN r.held / (r.known / 1000000.0) END AS average,
    CASE WHEN r.good > 0 THEN r.sum / r.good END AS mean,
    CASE WHEN r.good > 0 THEN r.first END AS first, CASE WHEN r.good > 0 THEN r.last END AS last,
    r.increment, r.known / 1000000.0 AS known, s.unit, s.description, r.series
FROM rollup r JOIN series s ON s.id = r.series;
