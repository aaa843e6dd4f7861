-- The epoch of the database's history: one row, or none as long as no backup was restored. Restoring draws another one.
CREATE TABLE log_epoch (
    is_only boolean NOT NULL DEFAULT true CONSTRAINT log_epoch_pkey PRIMARY KEY,
    epoch text NOT NULL,
    restored_at timestamptz NOT NULL,
    CONSTRAINT log_epoch_only_check CHECK (is_only)
);
