/**
 * The tables, and beside each index the statement that it serves.
 *
 * Payload, headers and attempts are text: jsonb cannot hold every JSON text (`\u0000`), and none of them is looked into.
 *
 * @since 0.1.0
 */
import * as Functions from "../sql/functions.ts"
import type { Names } from "../sql/names.ts"

const sequences = (t: Names): ReadonlyArray<string> => [
  // cache 1: a later nextval anywhere returns a larger number, so that what was published later is read later.
  `create sequence ${t.messageSeq} cache 1`,
  `create sequence ${t.letterSeq} cache 1`,
  // the transaction that changed subscriptions last: a sequence, since its value is seen under every snapshot
  `create sequence ${t.subscriptionsChanged} cache 1`
]

export const initial = (t: Names): ReadonlyArray<string> => [
  ...sequences(t),

  `create table ${t.consumers} (
    id                int generated always as identity primary key,   -- the queue
    name              text        not null unique,
    lanes             int         not null,                           -- 0: only its name is known, no worker came yet
    dead_letter_order text        not null,
    waiting_until     timestamptz not null default '-infinity',       -- until then a worker wants to be notified
    registered_at     timestamptz not null default statement_timestamp(),
    paused_by         text,                                           -- a person's pause: nothing is read
    paused_at         timestamptz,
    paused_note       text        not null default ''
  ) with (fillfactor = 50)`,

  // primary key: the publishing insert looks consumers up by topic
  `create table ${t.subscriptions} (
    topic    text not null,
    queue_id int  not null references ${t.consumers} (id),
    primary key (topic, queue_id)
  )`,

  // primary key: the poll reads a lane upwards; the settling delete
  `create table ${t.messages} (
    queue_id     int         not null,
    lane         int         not null,
    seq          bigint      not null default nextval('${t.messageSeq}'),
    xid          xid8        not null default pg_current_xact_id(),    -- who wrote it: late rows are looked up by it
    id           text        not null,
    topic        text        not null,
    key          text        not null,                                 -- a message without a key has its id here
    keyed        boolean     not null,
    payload      text        not null,
    headers      text        not null default '{}',
    version      int         not null default 1,
    published_at timestamptz not null default statement_timestamp(),
    attempts     text,                                                 -- failures so far; written only when one is held
    received     int         not null default 0,                       -- owners that died with it in their hands
    letter       bigint,                                               -- the dead letter that it redrives
    redriven     int         not null default 0,
    primary key (queue_id, lane, seq)
  )`,
  // the poll's late rows; it only ever grows at its right end
  `create index messages_xid on ${t.messages} ((queue_id::bigint), xid)`,

  `create table ${t.lanes} (
    queue_id    int         not null,
    lane        int         not null,
    owner       text,                                                  -- null: given back in good order
    lease_until timestamptz not null default '-infinity',
    token       bigint      not null default 0,                        -- raised by every claim
    fetched_to  bigint      not null default 0,                        -- the owner has nothing above it in its hands
    alone       bigint,                                                -- if set, only this seq can kill the owner (0: none)
    primary key (queue_id, lane)
  ) with (fillfactor = 50)`,

  // A key with a hold is not read. It covers the key's rows from from_seq on, due or not; the lane's owner alone ends it.
  `create table ${t.holds} (
    queue_id int         not null,
    key      text        not null,
    lane     int         not null,
    until    timestamptz not null,                                     -- 'infinity': parked
    from_seq bigint      not null,                                     -- 0: all of the key
    paused_by text,                                                    -- a person's pause, beside any other: it is not due
    paused_at timestamptz,
    primary key (queue_id, key)
  )`,
  // the poll's list of holds that are due, and when the next one is
  `create index holds_due on ${t.holds} ((queue_id::bigint), lane, until)`,

  `create table ${t.inbox} (
    queue_id    int         not null,
    id          text        not null,
    outcome     text        not null,                                  -- done, dead
    fingerprint text        not null,                                  -- of the payload; empty if it was not read
    letter      bigint,
    at          timestamptz not null default statement_timestamp(),
    result      text,                                                  -- what Inbox.once stored; claims never write it
    primary key (queue_id, id)
  )`,
  // retention; a block range index costs an insert next to nothing, and rows come in the order of their time
  `create index inbox_at on ${t.inbox} using brin (at)`,

  `create table ${t.deadLetters} (
    id           bigint      primary key default nextval('${t.letterSeq}'),
    queue_id     int         not null references ${t.consumers} (id),
    lane         int         not null,
    seq          bigint      not null,                                 -- its place, to which a parked one goes back
    message_id   text        not null,
    topic        text        not null,
    key          text        not null,
    keyed        boolean     not null,
    payload      text        not null,
    original     text,                                                 -- as published, once a person has edited it
    headers      text        not null,
    version      int         not null,
    published_at timestamptz not null,
    reason       text        not null,
    state        text        not null default 'open',
    parked       boolean     not null,
    attempts     text        not null,
    tag          text        not null,                                 -- of the last attempt's error
    fingerprint  text        not null,
    redriven     int         not null default 0,
    opened       xid8        not null default pg_current_xact_id(),    -- who opened it last: a frozen set knows it by that
    died_at      timestamptz not null default statement_timestamp(),
    changed_by   text        not null default '',
    changed_at   timestamptz
  )`,
  // the list of one consumer's letters
  `create index dead_letters_queue on ${t.deadLetters} (queue_id, state, id)`,
  // failure groups, one after the other; the first and the last of one
  `create index dead_letters_group on ${t.deadLetters} (state, queue_id, fingerprint, died_at)`,
  // what a person looks for by name; whether a key has another parked letter
  `create index dead_letters_key on ${t.deadLetters} (key)`,
  `create index dead_letters_message on ${t.deadLetters} (message_id)`,

  // primary key: the takeover of a topic by its first consumer
  `create table ${t.unrouted} (
    topic        text        not null,
    seq          bigint      not null default nextval('${t.messageSeq}'),
    id           text        not null,
    key          text        not null,
    keyed        boolean     not null,
    hash         int         not null,                                 -- of the key: its lane, once there are lanes
    payload      text        not null,
    headers      text        not null,
    version      int         not null,
    published_at timestamptz not null default statement_timestamp(),
    primary key (topic, seq)
  )`,

  // primary key: the move's delete
  `create table ${t.delayed} (
    seq     bigint      primary key generated by default as identity,  -- what is due at the same time keeps its order
    due_at  timestamptz not null,
    name    text,
    id      text        not null,
    topic   text        not null,
    key     text        not null,
    keyed   boolean     not null,
    hash    int         not null,                                      -- of the key: its lane, once it is due
    payload text        not null,
    headers text        not null,
    version int         not null
  )`,
  // the move, and when the next one is due
  `create index delayed_due on ${t.delayed} (due_at, seq)`,
  // replacing and cancelling
  `create unique index delayed_name on ${t.delayed} (topic, key, name) where name is not null`,
  // retention: an id that waits here is not forgotten
  `create index delayed_id on ${t.delayed} (id)`,

  `create table ${t.workers} (
    queue_id    int         not null,
    worker      text        not null,
    alive_until timestamptz not null,
    primary key (queue_id, worker)
  ) with (fillfactor = 50)`,

  // A row stays when its lease was given back: its token must not begin anew.
  `create table ${t.leases} (
    name        text        primary key,
    owner       text,                                                  -- null: given back in good order
    token       bigint      not null default 0,                        -- raised by every claim
    lease_until timestamptz not null default '-infinity'
  ) with (fillfactor = 50)`,

  `create table ${t.audit} (
    id     bigint generated always as identity primary key,
    at     timestamptz not null default statement_timestamp(),
    who    text        not null,
    action text        not null,
    consumer text      not null,
    letter bigint,
    topic  text        not null default '',
    key    text        not null default '',
    note   text        not null default '',
    detail text        not null default ''
  )`,
  // the history of one letter
  `create index audit_letter on ${t.audit} (letter)`,

  ...Functions.make(t)
]
