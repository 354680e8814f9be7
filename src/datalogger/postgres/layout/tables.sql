CREATE TABLE series (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin uuid NOT NULL, log uuid NOT NULL, logger text NOT NULL,
    name text, unit text, description text,
    UNIQUE (origin, log, logger));
CREATE TABLE stored (
    series integer PRIMARY KEY, watermark bigint NOT NULL, numbers bytea NOT NULL,
    rows bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE covered (series integer PRIMARY KEY, row bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE rollup (
    series integer NOT NULL, step smallint NOT NULL, start bigint NOT NULL, data bytea NOT NULL,
    count bigint NOT NULL, good bigint NOT NULL, min double precision NOT NULL,
    max double precision NOT NULL, sum double precision NOT NULL,
    first double precision NOT NULL, last double precision NOT NULL,
    held double precision NOT NULL, known bigint NOT NULL, increment double precision NOT NULL,
    PRIMARY KEY (series, step, start)) PARTITION BY LIST (step);
CREATE TABLE rollup_wide PARTITION OF rollup FOR VALUES IN (2, 3, 4);
CREATE TABLE rollup_minute PARTITION OF rollup FOR VALUES IN (1) PARTITION BY RANGE (start);
CREATE TABLE rollup_minute_other PARTITION OF rollup_minute DEFAULT;
