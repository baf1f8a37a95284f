-- The whole row of a call, in an order that can be paged and searched.
--
-- seq is the order of the table: the start in milliseconds times 1024, plus a number for calls of the same millisecond.
-- A page, a range of time and the newest hits of a search are then all ranges of the primary key.
CREATE TABLE calls_whole (
    seq              INTEGER PRIMARY KEY NOT NULL,
    id               TEXT NOT NULL UNIQUE,
    session          TEXT NOT NULL,             -- the running program that the row belongs to
    direction        TEXT NOT NULL CHECK (direction IN ('outbound', 'inbound')),
    number           TEXT NOT NULL,             -- E.164 where it is one, else as it came; '' if withheld
    dialled          TEXT,                      -- what the person typed
    name             TEXT,
    line             TEXT,
    room             TEXT NOT NULL,             -- with leg: what must be dropped if the program dies
    leg              TEXT NOT NULL,
    started_at       INTEGER NOT NULL,          -- all times: Unix milliseconds
    answered_at      INTEGER,
    last_alive_at    INTEGER,
    handed_over_at   INTEGER,                   -- the call goes on without this desk
    ended_at         INTEGER,                   -- NULL: the call is not over
    rang_ms          INTEGER,
    outcome          TEXT,                      -- stable word
    outcome_detail   TEXT,
    words            TEXT,                      -- the headline shown when the call ended
    sip_code         INTEGER,
    heard_seconds    REAL NOT NULL DEFAULT 0,
    heard_dbfs       REAL,
    leg_gone         INTEGER NOT NULL DEFAULT 0,-- 1: nothing of the call is left on the server
    seen             INTEGER NOT NULL DEFAULT 0,-- a missed call that somebody has looked at
    answered_by      TEXT,                      -- the colleague who took it
    transferred_to   TEXT,
    provider_call_id TEXT,
    sip_call_id      TEXT,                      -- sip.callID: the bridge's own name
    sip_call_id_full TEXT,                      -- sip.callIDFull: Call-ID of the SIP dialogue
    microphone       TEXT,
    speaker          TEXT,
    packets_lost     INTEGER,
    packets_received INTEGER,
    jitter_mean_ms   REAL,
    jitter_max_ms    REAL,
    reconnections    INTEGER,
    egress_id        TEXT,
    recording_url    TEXT,
    caller_key       TEXT,                      -- what contacts are matched by: the last eight digits
    haystack         TEXT NOT NULL DEFAULT '',  -- what a search looks at, folded
    note             TEXT NOT NULL DEFAULT '',
    transcript       TEXT,
    result           TEXT GENERATED ALWAYS AS (
        CASE WHEN ended_at IS NULL THEN 'open'
             WHEN outcome = 'missed' THEN 'missed'
             WHEN answered_at IS NOT NULL THEN 'answered'
             WHEN outcome = 'answered_elsewhere' THEN 'elsewhere'
             WHEN outcome = 'duplicate' THEN 'elsewhere'
             WHEN outcome IN ('declined_here', 'turned_away') THEN 'turned_away'
             WHEN outcome IN ('busy', 'busy_everywhere', 'declined', 'unwanted', 'rejected', 'no_answer', 'never_rang',
                 'not_in_service', 'number_gone', 'number_incomplete', 'no_such_number', 'unavailable', 'no_reply', 'moved',
                 'cancelled') THEN 'not_reached'
             ELSE 'failed' END) VIRTUAL
) STRICT;

INSERT INTO calls_whole (seq, id, session, direction, number, name, line, room, leg, started_at, answered_at, last_alive_at,
    ended_at, outcome, outcome_detail, words, sip_code, heard_seconds, heard_dbfs, leg_gone, answered_by)
SELECT max(0, min(started_at, 8000000000000000)) * 1024
        + row_number() OVER (PARTITION BY started_at ORDER BY id) - 1,
    id, session, direction, number, name, line, room, leg, started_at, answered_at, last_alive_at,
    ended_at, outcome, outcome_detail, words, sip_code, heard_seconds, heard_dbfs, leg_gone,
    iif(outcome = 'answered_elsewhere', outcome_detail, NULL)
FROM calls;

DROP TABLE calls;
ALTER TABLE calls_whole RENAME TO calls;

CREATE INDEX calls_unsettled ON calls (session) WHERE ended_at IS NULL OR leg_gone = 0;
CREATE INDEX calls_by_result ON calls (direction, result);
CREATE INDEX calls_by_line ON calls (line, direction, result);
CREATE INDEX calls_by_caller ON calls (caller_key) WHERE caller_key IS NOT NULL;
CREATE INDEX calls_unseen ON calls (seq) WHERE outcome = 'missed' AND seen = 0;
CREATE INDEX calls_by_egress ON calls (egress_id) WHERE egress_id IS NOT NULL;

-- Every three characters that follow each other in a haystack. Without positions: what it finds is looked at again.
CREATE VIRTUAL TABLE calls_search USING fts5 (
    haystack, content = 'calls', content_rowid = 'seq', columnsize = 0, detail = none,
    tokenize = 'trigram case_sensitive 1');

-- Deleted calls that can still be had back. No search and no page looks here.
CREATE TABLE calls_bin (
    token      TEXT NOT NULL,
    deleted_at INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    columns    TEXT NOT NULL                    -- the row as a JSON object
) STRICT;
CREATE INDEX calls_bin_by_token ON calls_bin (token);
