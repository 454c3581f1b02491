/** The head of a page: where it is, its name, and what can be done here. */
import type { ComponentChildren } from "preact"
import { useEffect } from "preact/hooks"
import { flat } from "../text/Pieces.ts"
import { Shown } from "../text/ShownText.tsx"

export const Head = (
  { actions, children, crumbs, name, title }: {
    readonly title: ComponentChildren
    /** The name of the page in the browser's tab. */
    readonly name: string
    readonly crumbs?: ReadonlyArray<readonly [text: string, place: string]>
    readonly actions?: ComponentChildren
    readonly children?: ComponentChildren
  }
) => {
  useEffect(() => {
    document.title = `${flat(name)} · Millrace`
  }, [name])
  return (
    <header class="head">
      <div class="head-text">
        {crumbs !== undefined && (
          <nav class="crumbs" aria-label="Where this page is">
            {crumbs.map(([text, address]) => (
              <a key={text} href={address}>
                <Shown text={text} />
              </a>
            ))}
          </nav>
        )}
        <h1>{title}</h1>
        {children !== undefined && <div class="head-sub">{children}</div>}
      </div>
      {actions !== undefined && <div class="head-actions">{actions}</div>}
    </header>
  )
}

/** Shows a row of facts: a word above its value. */
export const Facts = (
  { facts }: { readonly facts: ReadonlyArray<readonly [word: string, value: ComponentChildren]> }
) => (
  <dl class="facts">
    {facts.map(([word, value], i) => (
      <div key={`${word} ${i}`}>
        <dt>{word}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
)
