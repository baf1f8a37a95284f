-- Everybody on the phone in a call with several legs, as JSON; and which room an event is about, to explain a call by them.
ALTER TABLE calls ADD COLUMN people TEXT;
ALTER TABLE events ADD COLUMN room TEXT;
CREATE INDEX events_by_room ON events (room, id) WHERE room IS NOT NULL;
