-- Debits that a purse has taken back: what it has said of its balance, with each
-- tap and, as far as it is still needed, with the applet; and what a merchant
-- owes who was paid for one. Of older taps nothing was kept.

-- +goose Up
ALTER TABLE applet ADD COLUMN trail BLOB;
ALTER TABLE tap ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tap ADD COLUMN owed INTEGER NOT NULL DEFAULT 0;
