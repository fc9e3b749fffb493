-- The bank's tables. Their columns are named in package sqltable; rules about
-- money are in package bank and nowhere here. Ids sort by time, but for those
-- of dispatches. Those and kept answers have keys in no order and large bodies:
-- their tables keep row numbers, which are the order in which they came.

-- +goose Up
CREATE TABLE merchant (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    account    TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    id         TEXT NOT NULL PRIMARY KEY,
    role       TEXT NOT NULL,
    merchant   TEXT NOT NULL,
    hash       BLOB,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    currency   TEXT NOT NULL,
    debits     INTEGER NOT NULL,
    credits    INTEGER NOT NULL,
    held       INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE card (
    id             TEXT NOT NULL PRIMARY KEY,
    account        TEXT NOT NULL,
    holder         TEXT NOT NULL,
    profile        TEXT NOT NULL,
    language       TEXT NOT NULL,
    status         TEXT NOT NULL,
    pan_sealed     BLOB,
    pan_mac        BLOB,
    number         TEXT NOT NULL,
    binding        TEXT NOT NULL,
    binding_proven INTEGER NOT NULL,
    phone          TEXT NOT NULL,
    counter        INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    locked_until   INTEGER NOT NULL,
    budget         INTEGER NOT NULL,
    budget_at      INTEGER NOT NULL,
    created_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX card_pan ON card (pan_mac);

CREATE TABLE phone (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    status     TEXT NOT NULL,
    public_key TEXT NOT NULL,
    box_key    BLOB,
    key_source BLOB,
    ticket_mac BLOB,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX phone_key ON phone (public_key) WHERE public_key <> '';
CREATE UNIQUE INDEX phone_ticket ON phone (ticket_mac);

CREATE TABLE binding (
    id         TEXT NOT NULL PRIMARY KEY,
    card       TEXT NOT NULL,
    phone      TEXT NOT NULL,
    status     TEXT NOT NULL,
    delivery   TEXT NOT NULL,
    dispatch   TEXT NOT NULL,
    code_mac   BLOB,
    attempts   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX binding_due ON binding (expires_at) WHERE status = 'pending';

CREATE TABLE payment (
    id               TEXT NOT NULL PRIMARY KEY,
    status           TEXT NOT NULL,
    merchant         TEXT NOT NULL,
    merchant_account TEXT NOT NULL,
    card             TEXT NOT NULL,
    card_number      TEXT NOT NULL,
    payer            TEXT NOT NULL,
    amount           INTEGER NOT NULL,
    captured         INTEGER NOT NULL,
    refunded         INTEGER NOT NULL,
    currency         TEXT NOT NULL,
    payee            TEXT NOT NULL,
    order_number     TEXT NOT NULL,
    description      TEXT NOT NULL,
    capture          TEXT NOT NULL,
    return_url       TEXT NOT NULL,
    delivery         TEXT NOT NULL,
    dispatch         TEXT NOT NULL,
    code_mac         BLOB,
    attempts         INTEGER NOT NULL,
    reason           TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    ended_at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_merchant ON payment (merchant, id);
CREATE INDEX payment_due ON payment (expires_at) WHERE status IN ('awaiting_code', 'authorized');

CREATE TABLE transfer (
    id         TEXT NOT NULL PRIMARY KEY,
    kind       TEXT NOT NULL,
    debit      TEXT NOT NULL,
    credit     TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    currency   TEXT NOT NULL,
    payment    TEXT NOT NULL,
    note       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX transfer_debit ON transfer (debit, id);
CREATE INDEX transfer_credit ON transfer (credit, id);

CREATE TABLE dispatch (
    id         TEXT NOT NULL PRIMARY KEY,
    phone      TEXT NOT NULL,
    card       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    kind       INTEGER NOT NULL,
    profile    INTEGER NOT NULL,
    counter    INTEGER NOT NULL,
    body       BLOB,
    expires_at INTEGER NOT NULL
) STRICT;
-- Few dispatches live at any time: those past their time are found by reading
-- this index whole, which costs less than one more index at every insert.
CREATE INDEX dispatch_phone ON dispatch (phone, expires_at);

CREATE TABLE pace (
    id        TEXT NOT NULL PRIMARY KEY,
    budget    INTEGER NOT NULL,
    budget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    id         TEXT NOT NULL PRIMARY KEY,
    request    BLOB,
    reason     TEXT NOT NULL,
    body       BLOB,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE webhook (
    id            TEXT NOT NULL PRIMARY KEY,
    merchant      TEXT NOT NULL,
    url           TEXT NOT NULL,
    secret_sealed BLOB,
    cursor        TEXT NOT NULL,
    failing       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    deleted_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE link (
    seq  INTEGER NOT NULL PRIMARY KEY,
    at   INTEGER NOT NULL,
    prev BLOB,
    body BLOB,
    mac  BLOB
) STRICT;
