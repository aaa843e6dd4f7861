-- Both tables go with the person whose they are.
CREATE TABLE second_factor (
    user_id bigint CONSTRAINT second_factor_pkey PRIMARY KEY
        CONSTRAINT second_factor_user_id_fkey REFERENCES user_account (id) ON DELETE CASCADE,
    key_id text NOT NULL,
    sealed bytea NOT NULL,
    last_step bigint NOT NULL,
    turned_on_at timestamptz NOT NULL
);
CREATE INDEX second_factor_key_id_idx ON second_factor (key_id);

CREATE TABLE recovery_code (
    user_id bigint NOT NULL CONSTRAINT recovery_code_user_id_fkey REFERENCES second_factor (user_id) ON DELETE CASCADE,
    code_sha256 bytea NOT NULL,
    CONSTRAINT recovery_code_pkey PRIMARY KEY (user_id, code_sha256)
);

-- The release before neither asks for a second factor nor says how a session began.
ALTER TABLE company ADD COLUMN requires_second_factor boolean NOT NULL DEFAULT false;
ALTER TABLE user_session ADD COLUMN came_by_provider boolean NOT NULL DEFAULT false;
