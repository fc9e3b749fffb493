-- How many endpoints a merchant has, of which there may be few.

-- +goose Up
ALTER TABLE merchant ADD COLUMN webhooks INTEGER NOT NULL DEFAULT 0;
UPDATE merchant SET webhooks = (SELECT count(*) FROM webhook WHERE webhook.merchant = merchant.id AND webhook.deleted_at = 0);
