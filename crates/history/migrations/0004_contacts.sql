-- The people a person knows. A number belongs to a contact and goes with it.
CREATE TABLE imports (
    id      INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,  -- never used twice: an undo must not hit a later import
    at      INTEGER NOT NULL,                            -- Unix milliseconds
    source  TEXT NOT NULL                                -- name of the file, for the person
) STRICT;

CREATE TABLE contacts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name         TEXT NOT NULL,
    organisation TEXT NOT NULL DEFAULT '',
    note         TEXT NOT NULL DEFAULT '',
    import       INTEGER REFERENCES imports (id) ON DELETE SET NULL,  -- NULL also once it was changed by hand
    sort_name    TEXT NOT NULL,
    haystack     TEXT NOT NULL
) STRICT;
CREATE INDEX contacts_by_name ON contacts (sort_name, id);
CREATE INDEX contacts_by_import ON contacts (import) WHERE import IS NOT NULL;

CREATE TABLE contact_numbers (
    contact    INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL,                         -- order in which they were given
    label      TEXT NOT NULL DEFAULT '',
    number     TEXT NOT NULL,                            -- as it was written
    e164       TEXT,                                     -- where it is one
    caller_key TEXT NOT NULL,                            -- as in calls
    import     INTEGER REFERENCES imports (id) ON DELETE SET NULL,
    PRIMARY KEY (contact, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_numbers_by_key ON contact_numbers (caller_key);
CREATE INDEX contact_numbers_by_import ON contact_numbers (import) WHERE import IS NOT NULL;

CREATE VIRTUAL TABLE contacts_search USING fts5 (
    haystack, content = 'contacts', content_rowid = 'id', columnsize = 0, detail = none,
    tokenize = 'trigram case_sensitive 1');
