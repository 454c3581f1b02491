/** The operator of this browser: the role that decides what the pages offer, and the form to sign in. */
import { effect, signal, useSignal } from "@preact/signals"
import type { Session } from "../data/Facts.ts"
import { Problem, sessionEnded } from "../data/Http.ts"
import * as Api from "../data/Requests.ts"
import { Field } from "../dialogs/Field.tsx"
import { Btn } from "../parts/Btn.tsx"
import { replace, to } from "../place/Address.ts"
import { Brand } from "./Brand.tsx"

/** The session: unknown, none (the form is shown), or the operator's. */
export const session = signal<Session | "none" | undefined>(undefined)
const trouble = signal<string | undefined>(undefined)

/** Returns why an action of operators is off for this session. Undefined if it is on. */
export const offForViewers = (): string | undefined =>
  typeof session.value === "object" && session.value.role === "viewer"
    ? "Your role is viewer. An operator or admin can do this."
    : undefined

/** Shows the form again when the session has ended. */
effect(() => {
  if (sessionEnded.value) session.value = "none"
})

/** Takes the session that the server has opened. */
const enter = (opened: Session): void => {
  sessionEnded.value = false
  session.value = opened
}

/** Ends the session, also on the server. The form says so if the server could not end it. */
export const leave = async (): Promise<void> => {
  const failure = await Api.signOut().then(() => undefined, (error: unknown) => error)
  session.value = "none"
  trouble.value = failure === undefined || failure instanceof Problem && failure.status === 401
    ? undefined
    : "The server did not end your session, so it may still be open. Sign in, and sign out again."
}

/** Reads the session. A one-time code in the address, as the command line prints it, is spent and removed. */
export const open = async (): Promise<void> => {
  const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1]
  try {
    if (code !== undefined) {
      replace(to.overview)
      enter(await Api.signIn({ code }))
    } else enter(await Api.session())
  } catch (error) {
    session.value = "none"
    trouble.value = error instanceof Problem && (error.status !== 401 || code !== undefined) ? error.message : undefined
  }
}

export const SignIn = () => {
  const token = useSignal("")
  const name = useSignal("")
  const busy = useSignal(false)
  const submit = async () => {
    if (busy.value) return
    busy.value = true
    try {
      enter(
        await Api.signIn({ token: token.value, ...(name.value.trim() === "" ? {} : { name: name.value.trim() }) })
      )
      trouble.value = undefined
    } catch (error) {
      trouble.value = error instanceof Error ? error.message : String(error)
    }
    busy.value = false
  }
  return (
    <main class="sign-in">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <Brand />
        <h1>Sign in</h1>
        <p class="quiet">
          Paste the token of this dashboard, or open the address that <code>millrace dashboard</code> printed.
        </p>
        <TokenField token={token} problem={trouble} />
        <Field
          label="Your name"
          value={name.value}
          onInput={(value) => (name.value = value)}
          hint="The audit keeps it with each of your actions. Without it, the name of the token is kept."
        />
        <Btn kind="primary" submit busy={busy.value}>Sign in</Btn>
      </form>
    </main>
  )
}

const TokenField = (
  { problem, token }: {
    readonly token: { value: string }
    readonly problem: { readonly value: string | undefined }
  }
) => (
  <Field
    label="Token"
    kind="password"
    autofocus
    required
    value={token.value}
    onInput={(value) => (token.value = value)}
    problem={problem.value}
  />
)
