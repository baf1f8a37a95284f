-- The parts of the full-text indexes are merged by a thread of the program (merge.rs), not within an entry.
INSERT INTO calls_search (calls_search, rank) VALUES ('automerge', 0);
INSERT INTO contacts_search (contacts_search, rank) VALUES ('automerge', 0);
