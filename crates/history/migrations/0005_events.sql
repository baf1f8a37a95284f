-- What providers, webhooks and the server's API said, as they said it but for secrets. Kept for thirty days.
CREATE TABLE events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    source     TEXT NOT NULL,
    event_type TEXT NOT NULL,
    payload    TEXT NOT NULL,                            -- JSON
    created_at INTEGER NOT NULL                          -- Unix milliseconds
) STRICT;
CREATE INDEX events_by_time ON events (created_at);
