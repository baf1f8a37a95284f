-- Was the microphone off at the last sign of life? Whoever goes back into the call after a crash finds it so.
ALTER TABLE calls ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;
