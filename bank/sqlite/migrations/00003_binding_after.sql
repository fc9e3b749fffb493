-- +goose Up
-- A binding that is not active yet keeps the card's counter from when it was
-- confirmed: what was sealed before that says nothing about it.
ALTER TABLE card ADD COLUMN binding_after INTEGER NOT NULL DEFAULT 0;
UPDATE card SET binding_after = counter WHERE binding_proven = 0 AND binding <> '';
ALTER TABLE card DROP COLUMN binding_proven;
