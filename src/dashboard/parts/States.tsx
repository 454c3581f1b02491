/** The states of a page without facts: they load, there are none, or they cannot be read. */
import type { ComponentChildren } from "preact"
import { Problem } from "../data/Http.ts"
import type { Resource } from "../data/Resource.ts"
import { Modal } from "../dialogs/Modal.tsx"
import { Shown } from "../text/ShownText.tsx"
import { Btn } from "./Btn.tsx"
import { Icon, type IconName } from "./Icon.tsx"

/** Shows grey rows in the place of facts that load. They appear late, so that a fast answer shows none. */
export const Skeleton = ({ rows = 4 }: { readonly rows?: number }) => (
  <div class="skeleton" role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, i) => <span key={i} style={{ width: `${92 - ((i * 17) % 40)}%` }} />)}
  </div>
)

/** Shows a state without facts that says why, and what to do. */
export const Empty = (
  { children, icon = "check", title }: {
    readonly title: string
    readonly icon?: IconName
    readonly children?: ComponentChildren
  }
) => (
  <div class="empty">
    <span class="empty-icon">
      <Icon name={icon} />
    </span>
    <p class="empty-title">{title}</p>
    <div class="empty-text">{children}</div>
  </div>
)

/** Shows a failed request, in the words of the server. */
export const Failed = ({ error, retry }: { readonly error: Error; readonly retry?: (() => void) | undefined }) => (
  <div class="failed" role="alert">
    <p>
      <b>{error instanceof Problem ? error.title : "The page failed."}</b>
    </p>
    <p class="quiet">
      <Shown text={error.message} />
    </p>
    {retry !== undefined && <Btn onClick={retry}>Try again</Btn>}
  </div>
)

/** Shows a dialog that needs facts. While they load, or if they cannot be read, the dialog says so. */
export function LoadedModal<A>(
  { children, of, onClose, title }: {
    readonly of: Resource<A>
    readonly title: string
    readonly onClose: () => void
    readonly children: (value: A) => ComponentChildren
  }
) {
  const { value } = of.state.value
  return value === undefined
    ? (
      <Modal title={<Shown text={title} />} onClose={onClose}>
        <Loaded of={of}>{() => null}</Loaded>
      </Modal>
    )
    : <>{children(value)}</>
}

/** Shows a resource: its facts, a skeleton before them, or why there are none. Old facts stay when a refresh fails. */
export function Loaded<A>(
  { children, of, rows }: {
    readonly of: Resource<A>
    readonly rows?: number
    readonly children: (value: A) => ComponentChildren
  }
) {
  const { error, value } = of.state.value
  if (value === undefined) {
    return error === undefined
      ? <Skeleton rows={rows ?? 4} />
      : <Failed error={error} retry={of.refresh} />
  }
  return (
    <>
      {error !== undefined && (
        <div class="banner is-bad" role="status">
          <b>These facts are old.</b>
          <span>{error.message}</span>
          <Btn small onClick={of.refresh}>Try again</Btn>
        </div>
      )}
      {children(value)}
    </>
  )
}
