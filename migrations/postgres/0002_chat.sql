-- Conversations and what was said in them.
CREATE TABLE conversations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    org_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    agent TEXT NOT NULL,
    title TEXT NOT NULL,
    title_source TEXT NOT NULL CHECK (title_source IN ('draft', 'agent', 'user')),
    active_run TEXT COLLATE "C",
    event_seq BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE INDEX conversations_list ON conversations (org_id, user_id, updated_at);

CREATE TABLE messages (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    conversation_id TEXT COLLATE "C" NOT NULL REFERENCES conversations (id),
    org_id TEXT COLLATE "C" NOT NULL,
    author TEXT NOT NULL CHECK (author IN ('user', 'agent')),
    agent TEXT,
    run_id TEXT COLLATE "C",
    body TEXT NOT NULL,
    is_partial BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);
CREATE INDEX messages_conversation ON messages (conversation_id, id);
CREATE INDEX messages_run ON messages (run_id);
