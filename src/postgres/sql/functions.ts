/**
 * The functions for SQL users: `publish` and `cancel`, with the routing, lanes and limits of `Topic.publish`.
 *
 * These functions run with the rights of the migrating role (`security definer`), on a search path of their own. So a
 * role that may execute them needs no right on any table. No object that such a role creates can replace one that the
 * functions use. No role may execute the two functions until an operator grants the right.
 *
 * @since 0.1.0
 */
import { limits } from "../../Message.ts"
import * as Delayed from "./delayed.ts"
import type { Names } from "./names.ts"

/**
 * Notifies the queues where a worker waits now. A worker that begins to wait before this transaction commits finds the
 * change at its idle poll. Announcements are not cleared here, since that would lock the consumer's row until the
 * commit.
 *
 * A transaction that has notified cannot be prepared. So where prepared transactions are possible, no queue is
 * notified, and workers find the change at their idle poll.
 */
export const wake = (t: Names, queues: string) =>
  `perform pg_notify('${t.channel}', c.id::text) from ${t.consumers} c
  where c.id = any(${queues}) and c.waiting_until > clock_timestamp() and current_setting('max_prepared_transactions') = '0';`

/** Adds the UTF-16 unit `u` to the hash FNV-1a. The product stays below 2^57, so it fits in a bigint. */
const unit = (u: string) => `h := ((h # (${u})) * 16777619) & 4294967295;`

/** Multiplies the hash in 32 bits. The factor is split in halves, since the whole product could exceed a bigint. */
const times = (factor: number) =>
  `h := (h * ${factor & 0xffff} + (((h * ${factor >>> 16}) & 65535) << 16)) & 4294967295;`

const shielded = "set search_path = pg_catalog, pg_temp"

/**
 * Returns the hash of `KeyHash.ts` as a function in the database. Both must return the same number for a key, or the
 * key would be in two lanes. JavaScript hashes UTF-16 units. So this function converts the key to UTF-8 from any
 * database encoding, and computes the UTF-16 units of that.
 */
const keyHash = (t: Names) =>
  `create function ${t.keyHash}(key text) returns int
language plpgsql immutable strict parallel safe ${shielded} as $body$
declare
  bytes bytea := convert_to(key, 'UTF8');
  h bigint := 2166136261;
  c bigint;
  b int;
  i int := 0;
begin
  while i < octet_length(bytes) loop
    b := get_byte(bytes, i);
    if b < 128 then
      ${unit("b")}
      i := i + 1;
    elsif b < 224 then
      ${unit("((b & 31) << 6) | (get_byte(bytes, i + 1) & 63)")}
      i := i + 2;
    elsif b < 240 then
      ${unit("((b & 15) << 12) | ((get_byte(bytes, i + 1) & 63) << 6) | (get_byte(bytes, i + 2) & 63)")}
      i := i + 3;
    else
      c := (((b & 7) << 18) | ((get_byte(bytes, i + 1) & 63) << 12) | ((get_byte(bytes, i + 2) & 63) << 6)
        | (get_byte(bytes, i + 3) & 63)) - 65536;
      ${unit("55296 + (c >> 10)")}
      ${unit("56320 + (c & 1023)")}
      i := i + 4;
    end if;
  end loop;
  h := h # (h >> 16);
  ${times(0x85ebca6b)}
  h := h # (h >> 13);
  ${times(0xc2b2ae35)}
  return (h # (h >> 16)) & 2147483647;
end $body$`

/**
 * Fails unless its argument is true. A group that is committed in one write calls this function. If a row of the group
 * is missing, the server then runs no further statement.
 */
const requireAll = (t: Names) =>
  `create function ${t.requireAll}(complete boolean) returns boolean
language plpgsql parallel safe ${shielded} as $body$
begin
  if complete then return true; end if;
  raise exception using errcode = 'MR006',
    message = 'Some rows of a group are missing, so the group is committed in another way. Nothing is lost.';
end $body$`

/**
 * Makes the function that returns true if this transaction's snapshot shows the last change of the subscriptions, and
 * else fails with 40001.
 *
 * A transaction with an older snapshot does not see a consumer that registered since. It would write to `unrouted`
 * after that consumer had moved the unrouted messages to its queue. Or it would write into the queue of a removed
 * consumer. The function is called only under a lock on subscriptions, so no change is under way.
 *
 * A change that was rolled back makes the function fail, too, but not when the transaction is run again. A transaction
 * id from the future was recorded before this database was restored from another cluster, and is ignored. Every role
 * may execute the function, so a publisher needs no right on the sequence.
 */
const seesSubscriptions = (t: Names) =>
  `create function ${t.seesSubscriptions}() returns boolean
language plpgsql stable security definer ${shielded} as $body$
declare
  changed xid8 := (select last_value::text::xid8 from ${t.subscriptionsChanged});
begin
  if pg_visible_in_snapshot(changed, pg_current_snapshot()) then
    return true;
  end if;
  begin
    perform pg_xact_status(changed);
  exception when invalid_parameter_value then
    return true;
  end;
  raise exception using errcode = '40001',
    message = 'Nothing was published: the transaction''s snapshot is older than a change of who reads what.',
    hint = 'Run the whole transaction again, or publish at READ COMMITTED.';
end $body$`

/**
 * Returns a statement that refuses a message with SQLSTATE MR001. COLUMN names the parameter, and HINT says what to do.
 * The text shows no value of the message.
 */
const refuse = (when: string, column: string, problem: string, hint: string) =>
  `if ${when} then
    raise exception using errcode = 'MR001', column = '${column}', message = 'The message was refused: its ${column} ${problem}. Nothing was published.', hint = '${hint}';
  end if;`

const publish = (t: Names) =>
  `create function ${t.publish}(
  topic text, key text, payload jsonb, id text default null, headers jsonb default null,
  delay interval default null, at timestamptz default null, name text default null, version int default 1
) returns text language plpgsql volatile security definer ${shielded} as $body$
#variable_conflict use_column
declare
  v_id text := coalesce(publish.id, gen_random_uuid()::text);
  v_key text := coalesce(publish.key, v_id);
  v_headers jsonb := coalesce(publish.headers, '{}');
  v_queues int[];
begin
  ${
    refuse(
      "publish.topic is null or publish.topic !~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$'",
      "topic",
      "is not a usable name",
      "Use letters, digits, dot, dash, underscore and slash, at most 200 characters."
    )
  }
  ${refuse("v_id = ''", "id", "is empty", "Give a stable text, or none: a random one is made.")}
  ${refuse("v_key = ''", "key", "is empty", "Give a text, or null for a message that waits for no other.")}
  ${refuse("publish.name = ''", "name", "is empty", "Give a text that says what waits, or none.")}
  ${
    refuse(
      `octet_length(v_id) > ${limits.idBytes}`,
      "id",
      `has more than ${limits.idBytes} bytes`,
      "Shorten it; hash long natural keys."
    )
  }
  ${
    refuse(
      `octet_length(v_key) > ${limits.idBytes}`,
      "key",
      `has more than ${limits.idBytes} bytes`,
      "Shorten it; hash long natural keys."
    )
  }
  ${
    refuse(
      `octet_length(publish.name) > ${limits.idBytes}`,
      "name",
      `has more than ${limits.idBytes} bytes`,
      "Shorten it."
    )
  }
  ${refuse("publish.payload is null", "payload", "is null", "Use jsonb ''null'' for JSON null.")}
  ${
    refuse(
      `octet_length(publish.payload::text) > ${limits.payloadBytes}`,
      "payload",
      `has more than ${limits.payloadBytes} bytes`,
      "Store the large part elsewhere and publish a reference to it."
    )
  }
  ${refuse("jsonb_typeof(v_headers) <> 'object'", "headers", "are not a JSON object", "Give names and texts.")}
  ${
    refuse(
      "exists (select from jsonb_each(v_headers) h where jsonb_typeof(h.value) <> 'string')",
      "headers",
      "hold something that is not a string",
      "Encode each value as text."
    )
  }
  ${
    refuse(
      `(select count(*) > ${limits.headers} or sum(octet_length(h.key) + octet_length(h.value)) > ${limits.headerBytes} from jsonb_each_text(v_headers) h)`,
      "headers",
      `have more than ${limits.headers} entries or ${limits.headerBytes} bytes`,
      "Put data into the payload."
    )
  }
  ${
    refuse("publish.version is null", "version", "is null", "Leave it out, or give the version of the topic''s schema.")
  }
  ${refuse("publish.delay is not null and publish.at is not null", "delay", "and its at are both given", "Give one.")}
  ${refuse("publish.delay > interval '100 years'", "delay", "is longer than 100 years", "Check its unit.")}
  ${refuse("publish.at > timestamptz '9999-12-31'", "at", "is after the year 9999", "Check its unit.")}
  ${
    Delayed.make(t).publish(
      `select v_id as id, publish.topic as topic, v_key as key, publish.key is not null as keyed,
    ${t.keyHash}(v_key) as hash, publish.payload::text as payload, v_headers::text as headers, publish.version as version, 1 as n,
    publish.name as name, coalesce(publish.at, statement_timestamp() + greatest(publish.delay, interval '-1 day'),
      statement_timestamp()) as due`,
      "array_agg(queue_id) into v_queues"
    )
  };
  ${wake(t, "v_queues")}
  return v_id;
end $body$`

const cancel = (t: Names) =>
  `create function ${t.cancel}(topic text, key text, name text) returns boolean
language plpgsql volatile security definer ${shielded} as $body$
#variable_conflict use_column
begin
  ${Delayed.make(t).cancelWhere("cancel.topic", "cancel.key", "cancel.name")};
  return found;
end $body$`

/** Returns the statements that create the functions, each after those that it uses. */
export const make = (t: Names): ReadonlyArray<string> => [
  keyHash(t),
  seesSubscriptions(t),
  requireAll(t),
  publish(t),
  cancel(t),
  `revoke all on function ${t.publish}, ${t.cancel} from public`
]
