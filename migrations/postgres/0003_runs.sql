-- The kernel: jobs hold leases, runs are what a person sees, steps are checkpoints, events are facts.
CREATE TABLE jobs (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    org_id TEXT COLLATE "C",
    run_id TEXT COLLATE "C",
    payload TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')),
    priority BIGINT NOT NULL DEFAULT 0,
    run_at BIGINT NOT NULL,
    attempt BIGINT NOT NULL DEFAULT 1,
    stalled_claims BIGINT NOT NULL DEFAULT 0,
    claim_progress BIGINT NOT NULL DEFAULT 0,
    lease_epoch BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    worker TEXT,
    concurrency_key TEXT COLLATE "C",
    unique_key TEXT COLLATE "C",
    blockers BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX jobs_ready ON jobs (priority DESC, run_at) WHERE status = 'queued' AND blockers = 0;
CREATE INDEX jobs_next ON jobs (run_at) WHERE status = 'queued' AND blockers = 0;
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE status = 'running';
CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key) WHERE unique_key IS NOT NULL AND status IN ('queued', 'running', 'waiting');
CREATE INDEX jobs_run ON jobs (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

-- One job must end before another may start.
CREATE TABLE job_edges (
    parent TEXT COLLATE "C" NOT NULL,
    child TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (parent, child)
);

-- How many jobs hold a key, and how many may: the row is locked in the claim.
CREATE TABLE concurrency (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    active BIGINT NOT NULL DEFAULT 0,
    max_active BIGINT NOT NULL
);

CREATE TABLE runs (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    org_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    agent TEXT NOT NULL,
    conversation_id TEXT COLLATE "C",
    job_id TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled', 'timed_out')),
    lease_epoch BIGINT NOT NULL DEFAULT 0,
    event_seq BIGINT NOT NULL DEFAULT 0,
    progress BIGINT NOT NULL DEFAULT 0,
    in_flight TEXT,
    items TEXT,
    error_code TEXT,
    error_message TEXT,
    cancel_requested_at BIGINT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT
);
CREATE INDEX runs_conversation ON runs (conversation_id, id);
CREATE INDEX runs_org ON runs (org_id, id);

-- Checkpoints: what a step gave, so that it is never done twice.
CREATE TABLE steps (
    run_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    output TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, key)
);

-- Causes that a run waits for: a wait holds no task.
CREATE TABLE waits (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    run_id TEXT COLLATE "C" NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('approval', 'input', 'timer', 'child_run')),
    detail TEXT NOT NULL,
    due_at BIGINT,
    answer TEXT,
    created_at BIGINT NOT NULL,
    answered_at BIGINT
);
CREATE INDEX waits_run ON waits (run_id);
CREATE INDEX waits_due ON waits (due_at) WHERE answered_at IS NULL AND due_at IS NOT NULL;

-- Effects outside: at least once each, and counted once by key.
CREATE TABLE effects (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    org_id TEXT COLLATE "C",
    run_id TEXT COLLATE "C",
    topic TEXT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    delivered_at BIGINT
);
CREATE UNIQUE INDEX effects_key ON effects (key);

CREATE TABLE schedules (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    expression TEXT NOT NULL,
    job_kind TEXT NOT NULL,
    next_at BIGINT NOT NULL
);
CREATE INDEX schedules_next ON schedules (next_at);

-- An append-only fact in a stream: a run's, a conversation's or an organization's. The counter is in the stream's own row.
CREATE TABLE events (
    stream TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (stream, seq)
);

-- The frames of a run that ended some time ago: one row that expands to the very same frames.
CREATE TABLE event_packs (
    stream TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    last_seq BIGINT NOT NULL,
    frames TEXT NOT NULL
);

-- A hot row: leave room on its page so that its counter moves without touching the indexes.
ALTER TABLE runs SET (fillfactor = 70);
ALTER TABLE jobs SET (fillfactor = 70);

-- SQLite's table function under the same name, so that one SQL text carries many rows in one parameter:
-- the elements of a JSON array, each with its place.
CREATE FUNCTION json_each(document TEXT) RETURNS TABLE (key BIGINT, value JSONB)
    LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
    AS 'SELECT ordinality - 1, element FROM jsonb_array_elements(document::jsonb) WITH ORDINALITY AS t (element, ordinality)';
