-- The tap: applets, what they were debited, loads, and terminals' batches. A
-- tap's id is the applet's and the counter's, so that a counter can be used once;
-- its rows lie in the order in which they came, for those of one upload are of as
-- many applets.

-- +goose Up
CREATE TABLE applet (
    id            TEXT NOT NULL PRIMARY KEY,
    kind          TEXT NOT NULL,
    account       TEXT NOT NULL,
    currency      TEXT NOT NULL,
    aid           TEXT NOT NULL,
    label         TEXT NOT NULL,
    status        TEXT NOT NULL,
    pan_sealed    BLOB,
    pan_mac       BLOB,
    number        TEXT NOT NULL,
    sequence      INTEGER NOT NULL,
    priority      INTEGER NOT NULL,
    expires       INTEGER NOT NULL,
    balance_max   INTEGER NOT NULL,
    tap_max       INTEGER NOT NULL,
    float_account TEXT NOT NULL,
    settlement    TEXT NOT NULL,
    balance       INTEGER NOT NULL,
    atc           INTEGER NOT NULL,
    load          TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX applet_pan ON applet (pan_mac);

CREATE TABLE tap (
    id         TEXT NOT NULL PRIMARY KEY,
    applet     TEXT NOT NULL,
    number     TEXT NOT NULL,
    atc        INTEGER NOT NULL,
    merchant   TEXT NOT NULL,
    batch      TEXT NOT NULL,
    reference  TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    currency   TEXT NOT NULL,
    status     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    ac         BLOB,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tap_disputed ON tap (id) WHERE status = 'disputed';

CREATE TABLE purse_load (
    id          TEXT NOT NULL PRIMARY KEY,
    applet      TEXT NOT NULL,
    account     TEXT NOT NULL,
    amount      INTEGER NOT NULL,
    currency    TEXT NOT NULL,
    status      TEXT NOT NULL,
    atc         INTEGER NOT NULL,
    scripts     INTEGER NOT NULL,
    issuer_auth BLOB,
    script      BLOB,
    created_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE batch (
    id         TEXT NOT NULL PRIMARY KEY,
    merchant   TEXT NOT NULL,
    terminal   TEXT NOT NULL,
    number     INTEGER NOT NULL,
    currency   TEXT NOT NULL,
    count      INTEGER NOT NULL,
    amount     INTEGER NOT NULL,
    disputed   INTEGER NOT NULL,
    transfer   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    settled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE book (
    id      TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL
) STRICT, WITHOUT ROWID;
