-- Tokens by which people who were invited become members. Only the hash of a token is kept, and only until it was used.
CREATE TABLE triune_invitations (
  organization_id bigint NOT NULL,
  user_id text NOT NULL,
  token_hash text NOT NULL CHECK (length(token_hash) = 64),
  created_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, user_id),
  CHECK (expires_at_ms > created_at_ms),
  FOREIGN KEY (organization_id, user_id) REFERENCES triune_memberships (organization_id, user_id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX triune_invitations_by_token ON triune_invitations (organization_id, token_hash);
CREATE INDEX triune_invitations_by_expiry ON triune_invitations (organization_id, expires_at_ms);
