/**
 * Errors of operator actions on consumers and dead letters, and of a worker whose consumer was removed.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * There is no dead letter with this id.
 *
 * @since 0.1.0
 */
export class DeadLetterNotFound
  extends Schema.TaggedError<DeadLetterNotFound>("millrace/DeadLetterNotFound")("DeadLetterNotFound", {
    deadLetterId: Schema.String
  })
{
  override get message() {
    return `There is no dead letter ${
      JSON.stringify(this.deadLetterId)
    }. Nothing was changed. List them with DeadLetters.list.`
  }
}

/**
 * A dead letter is not in a state that allows the operator action: another operator decided about it first.
 *
 * @since 0.1.0
 */
export class DeadLetterConflict
  extends Schema.TaggedError<DeadLetterConflict>("millrace/DeadLetterConflict")("DeadLetterConflict", {
    deadLetterId: Schema.String,
    asked: Schema.String,
    state: Schema.String,
    by: Schema.String,
    at: Schema.Number
  })
{
  override get message() {
    return `Dead letter ${this.deadLetterId} cannot be ${this.asked}: it is ${this.state}`
      + `${
        this.by === "" ? "" : `, by ${this.by} at ${new Date(this.at).toISOString()}`
      }. Nothing was changed. Look at it again.`
  }
}

/**
 * An edited payload cannot replace the payload of a dead letter, because it belongs to another topic or has another
 * key. Another key would change the order.
 *
 * @since 0.1.0
 */
export class EditRefused extends Schema.TaggedError<EditRefused>("millrace/EditRefused")("EditRefused", {
  deadLetterId: Schema.String,
  /** `topic` or `key`. */
  field: Schema.Literals(["topic", "key"]),
  kept: Schema.String,
  edited: Schema.String
}) {
  override get message() {
    return `The edit of dead letter ${this.deadLetterId} was refused: its ${this.field} is ${
      JSON.stringify(this.kept)
    } and would become ${JSON.stringify(this.edited)}. Nothing was changed. `
      + `Keep the ${this.field}, or discard the dead letter and publish a new message.`
  }
}

/**
 * An edited payload does not decode as a message of its topic.
 *
 * @since 0.1.0
 */
export class EditUndecodable
  extends Schema.TaggedError<EditUndecodable>("millrace/EditUndecodable")("EditUndecodable", {
    deadLetterId: Schema.String,
    topic: Schema.String,
    issue: Schema.String,
    /** Where, and what kind of issue: `$.lines[*].cents InvalidType`. */
    where: Schema.String
  })
{
  override get message() {
    return `The edited payload of dead letter ${this.deadLetterId} does not decode as a message of topic "${this.topic}": ${this.issue}. `
      + `Nothing was changed. Correct the edit.`
  }
}

/**
 * An operator action was refused because the audit cannot keep its operator's name or its note. A name is empty or too
 * long, a note is too long, or one of them has a character that Postgres refuses.
 *
 * @since 0.1.0
 */
export class InvalidOperatorAction
  extends Schema.TaggedError<InvalidOperatorAction>("millrace/InvalidOperatorAction")("InvalidOperatorAction", {
    field: Schema.Literals(["by", "note"]),
    problem: Schema.String
  })
{
  override get message() {
    return `The operator action was refused: its "${this.field}" ${this.problem}. Nothing was changed. `
      + `Give the operator in "by" (at most 512 bytes) and the reason in "note" (at most 4096 bytes): the audit keeps both.`
  }
}

/**
 * There is no consumer of this name.
 *
 * @since 0.1.0
 */
export class ConsumerNotFound
  extends Schema.TaggedError<ConsumerNotFound>("millrace/ConsumerNotFound")("ConsumerNotFound", {
    consumer: Schema.String
  })
{
  override get message() {
    return `There is no consumer ${JSON.stringify(this.consumer)}. Nothing was changed. `
      + `List them with Consumers.list; a consumer registers when its first worker starts.`
  }
}

/**
 * A consumer has no live worker of this name, so there is no lease to expire.
 *
 * @since 0.1.0
 */
export class WorkerNotFound extends Schema.TaggedError<WorkerNotFound>("millrace/WorkerNotFound")("WorkerNotFound", {
  consumer: Schema.String,
  worker: Schema.String
}) {
  override get message() {
    return `Consumer ${JSON.stringify(this.consumer)} has no live worker ${
      JSON.stringify(this.worker)
    }. Nothing was changed. `
      + `Look at Operations.workers: a worker that has died gives its lanes away by itself.`
  }
}

/**
 * A consumer cannot be removed or unsubscribed while workers live, messages wait or dead letters are open.
 *
 * @since 0.1.0
 */
export class ConsumerBusy extends Schema.TaggedError<ConsumerBusy>("millrace/ConsumerBusy")("ConsumerBusy", {
  consumer: Schema.String,
  /** `removed`, or `unsubscribed from <topic>`. */
  asked: Schema.String,
  /** Number of live workers. */
  workers: Schema.Number,
  /** Number of waiting messages, those of held keys included. */
  waiting: Schema.Number,
  /** Number of dead letters that are open or being redriven. */
  deadLetters: Schema.Number
}) {
  override get message() {
    return `Consumer "${this.consumer}" cannot be ${this.asked}: it has ${this.workers} live workers, ${this.waiting} waiting messages and `
      + `${this.deadLetters} open dead letters. Nothing was changed. Wait until its workers have stopped and its messages are processed, `
      + `or override the check with the option force.`
  }
}

/**
 * A text is no dead letter as an export writes it, so it cannot be imported.
 *
 * @since 0.1.0
 */
export class InvalidDeadLetter
  extends Schema.TaggedError<InvalidDeadLetter>("millrace/InvalidDeadLetter")("InvalidDeadLetter", {
    problem: Schema.String
  })
{
  override get message() {
    return `The text is no dead letter as an export writes it: ${this.problem}. Nothing was imported. Export it again, or correct the text.`
  }
}

/**
 * A dead letter was not imported, because its consumer has a dead letter of this message, or has processed the message.
 *
 * @since 0.1.0
 */
export class DeadLetterExists
  extends Schema.TaggedError<DeadLetterExists>("millrace/DeadLetterExists")("DeadLetterExists", {
    consumer: Schema.String,
    messageId: Schema.String
  })
{
  override get message() {
    return `The dead letter of message ${this.messageId} was not imported: consumer "${this.consumer}" has one, or has processed the message. `
      + `Nothing of this call was imported. Look at it with Operations.find, or leave out what exists with skipExisting.`
  }
}

/**
 * A purge was refused, because the queue does not have the number of messages that the operator expected.
 *
 * @since 0.1.0
 */
export class QueueChanged extends Schema.TaggedError<QueueChanged>("millrace/QueueChanged")("QueueChanged", {
  consumer: Schema.String,
  expected: Schema.Number,
  /** Those of the messages that the operator saw which still wait. */
  found: Schema.Number
}) {
  override get message() {
    return `The queue of consumer "${this.consumer}" was not purged: ${this.expected} messages were expected, and ${this.found} wait. `
      + `Nothing was changed. Pause the consumer, and look at the queue again.`
  }
}

/**
 * The consumer was removed while this worker ran, so the worker stops. Its messages in flight were not committed.
 *
 * @since 0.1.0
 */
export class ConsumerRemoved
  extends Schema.TaggedError<ConsumerRemoved>("millrace/ConsumerRemoved")("ConsumerRemoved", {
    consumer: Schema.String
  })
{
  override get message() {
    return `Consumer "${this.consumer}" was removed while this worker ran. The worker stops; nothing was committed since. `
      + `Consumers.audit names the operator. Start the worker again only if the consumer is to exist again; it then starts empty.`
  }
}

/**
 * A consumer or a key cannot be paused because it is paused already, or cannot be resumed because it is not paused.
 *
 * @since 0.1.0
 */
export class PauseConflict extends Schema.TaggedError<PauseConflict>("millrace/PauseConflict")("PauseConflict", {
  consumer: Schema.String,
  /** The key, or empty for the whole consumer. */
  key: Schema.String,
  asked: Schema.Literals(["paused", "resumed"]),
  /** The operator that paused the consumer or key, and the time. Empty and 0 if there is no pause. */
  by: Schema.String,
  at: Schema.Number
}) {
  override get message() {
    const what = this.key === "" ? "" : ` of key ${JSON.stringify(this.key)}`
    return `The handling${what} of consumer "${this.consumer}" cannot be ${this.asked}: it is ${
      this.by === "" ? "not paused" : `paused, by ${this.by} at ${new Date(this.at).toISOString()}`
    }. Nothing was changed. Look at the operator actions with Consumers.audit.`
  }
}

/**
 * A consumer is not subscribed to this topic.
 *
 * @since 0.1.0
 */
export class NotSubscribed extends Schema.TaggedError<NotSubscribed>("millrace/NotSubscribed")("NotSubscribed", {
  consumer: Schema.String,
  topic: Schema.String
}) {
  override get message() {
    return `Consumer "${this.consumer}" is not subscribed to topic "${this.topic}". Nothing was changed. Look at its topics with Consumers.get.`
  }
}

/**
 * There is no redrive run with this id.
 *
 * @since 0.1.0
 */
export class RedriveRunNotFound
  extends Schema.TaggedError<RedriveRunNotFound>("millrace/RedriveRunNotFound")("RedriveRunNotFound", {
    redriveRunId: Schema.String
  })
{
  override get message() {
    return `There is no redrive run ${JSON.stringify(this.redriveRunId)}. Nothing was changed. `
      + `List them with Operations.redriveRuns; a run that is over is kept for 30 days (retention.audit).`
  }
}

/**
 * A redrive run cannot start, because the consumer has another one that is not over.
 *
 * @since 0.1.0
 */
export class RedriveRunning extends Schema.TaggedError<RedriveRunning>("millrace/RedriveRunning")("RedriveRunning", {
  consumer: Schema.String,
  redriveRunId: Schema.String,
  /** `running`, `waiting`, `paused` or `stopped`. */
  state: Schema.String,
  by: Schema.String,
  at: Schema.Number
}) {
  override get message() {
    return `No redrive run was started for consumer "${this.consumer}": run ${this.redriveRunId}, which ${this.by} started at `
      + `${
        new Date(this.at).toISOString()
      }, is ${this.state}. Nothing was changed. Continue that run, or cancel it first.`
  }
}

/**
 * A redrive run is not in a state that allows the operator action, or has changed since the operator looked.
 *
 * @since 0.1.0
 */
export class RedriveRunConflict
  extends Schema.TaggedError<RedriveRunConflict>("millrace/RedriveRunConflict")("RedriveRunConflict", {
    redriveRunId: Schema.String,
    /** `continued`, `paused`, `cancelled`, or `given another rate`. */
    asked: Schema.String,
    state: Schema.String,
    revision: Schema.Number,
    /** The operator that changed the run last, and the time. Empty if the run itself changed its state. */
    by: Schema.String,
    at: Schema.Number
  })
{
  override get message() {
    return `Redrive run ${this.redriveRunId} cannot be ${this.asked}: it is ${this.state} since `
      + `${new Date(this.at).toISOString()}${this.by === "" ? "" : `, by ${this.by}`}, in revision ${this.revision}. `
      + `Nothing was changed. Look at it again.`
  }
}

/**
 * A redrive run cannot start, because no open dead letter matches its filter.
 *
 * @since 0.1.0
 */
export class NothingToRedrive
  extends Schema.TaggedError<NothingToRedrive>("millrace/NothingToRedrive")("NothingToRedrive", {
    consumer: Schema.String
  })
{
  override get message() {
    return `No redrive run was started: no open dead letter of consumer "${this.consumer}" matches the filter. Nothing was changed. `
      + `Look at the groups with Operations.failures, or correct the filter.`
  }
}

/**
 * A key cannot advance, because it is not held or none of its messages waits.
 *
 * @since 0.1.0
 */
export class NothingToAdvance
  extends Schema.TaggedError<NothingToAdvance>("millrace/NothingToAdvance")("NothingToAdvance", {
    consumer: Schema.String,
    key: Schema.String,
    /** Whether the key is held. */
    held: Schema.Boolean
  })
{
  override get message() {
    return `Key ${JSON.stringify(this.key)} of consumer "${this.consumer}" cannot advance: ${
      this.held ? "none of its messages waits" : "it is not held"
    }. Nothing was changed. Look at held keys with Operations.stuckKeys, or pause the key with Consumers.pauseKey first.`
  }
}

/**
 * A message cannot be dead-lettered, because it does not wait in this queue under this key.
 *
 * @since 0.1.0
 */
export class MessageNotWaiting
  extends Schema.TaggedError<MessageNotWaiting>("millrace/MessageNotWaiting")("MessageNotWaiting", {
    consumer: Schema.String,
    id: Schema.String,
    key: Schema.String
  })
{
  override get message() {
    return `Message ${JSON.stringify(this.id)} does not wait in the queue of consumer "${this.consumer}" under key ${
      JSON.stringify(this.key)
    }. Nothing was changed. Look for it with Operations.find, and give its key.`
  }
}
