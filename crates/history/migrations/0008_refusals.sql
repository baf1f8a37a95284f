-- Lines whose provider refused to carry a call before it went over another, as JSON.
ALTER TABLE calls ADD COLUMN refusals TEXT;
