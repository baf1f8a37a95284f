-- One row a call. Written before anything rings or dials, closed when the call is over.
CREATE TABLE calls (
    id             TEXT PRIMARY KEY NOT NULL,
    session        TEXT NOT NULL,             -- the running program that the row belongs to
    direction      TEXT NOT NULL CHECK (direction IN ('outbound', 'inbound')),
    number         TEXT NOT NULL,             -- E.164 where it is one, else as it came; '' if withheld
    name           TEXT,
    line           TEXT,
    room           TEXT NOT NULL,             -- with leg: what must be dropped if the program dies
    leg            TEXT NOT NULL,
    started_at     INTEGER NOT NULL,          -- all times: Unix milliseconds
    answered_at    INTEGER,
    last_alive_at  INTEGER,
    ended_at       INTEGER,                   -- NULL: the call is not over
    outcome        TEXT,                      -- stable word
    outcome_detail TEXT,
    words          TEXT,                      -- the headline shown when the call ended
    sip_code       INTEGER,
    heard_seconds  REAL NOT NULL DEFAULT 0,
    heard_dbfs     REAL,
    leg_gone       INTEGER NOT NULL DEFAULT 0 -- 1: nothing of the call is left on the server
) STRICT;

CREATE INDEX calls_newest_first ON calls (started_at DESC, id DESC);
CREATE INDEX calls_unsettled ON calls (session) WHERE ended_at IS NULL OR leg_gone = 0;
