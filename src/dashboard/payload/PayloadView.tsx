/** A payload as a tree or as the stored text. A large one starts as text. */
import { useComputed, useSignal } from "@preact/signals"
import { lines } from "../../ops/EditPreview.ts"
import { Btn } from "../parts/Btn.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { bytes } from "../text/Amounts.ts"
import { CopyButton } from "../text/Copy.tsx"
import { Shown, ShownLines } from "../text/ShownText.tsx"
import * as Tree from "./PayloadTree.ts"

/** Above this size a payload starts as text, and only its begin is shown. */
const largeBytes = 262_144
const nodesAtOnce = 2_000

/** Returns how large a text is in UTF-8. */
const sizeOf = (text: string): number => new TextEncoder().encode(text).length

export const PayloadView = (
  { download, marked = [], text }: {
    readonly text: string
    /** Paths that an issue names. */
    readonly marked?: ReadonlyArray<string>
    readonly download?: string | undefined
  }
) => {
  const size = sizeOf(text)
  const root = size > largeBytes ? undefined : Tree.parse(text)
  const tab = useSignal<string>(root === undefined ? "stored" : "tree")
  const shown = root === undefined && tab.value === "tree" ? "stored" : tab.value
  return (
    <div class="payload">
      <div class="payload-head">
        <Tabs
          label="How the payload is shown"
          tabs={[...(root === undefined ? [] : [["tree", "Tree"] as const]), ["lines", "Lines"], [
            "stored",
            "As stored"
          ]]}
          value={shown}
          onChange={(value) => (tab.value = value)}
        />
        <span class="quiet small num">{bytes(size)}</span>
        <span class="grow" />
        <CopyButton text={text} label="Copy the payload">Copy</CopyButton>
        {download !== undefined && <a class="btn is-ghost is-small" href={download} download>Download</a>}
      </div>
      {shown === "tree" && root !== undefined
        ? <TreeView root={root} marked={marked} />
        : <Text text={shown === "lines" ? lines(text).trimEnd() : text} />}
    </div>
  )
}

const Text = ({ text }: { readonly text: string }) => (
  <pre class="code" tabIndex={0}>
    <ShownLines text={text.slice(0, largeBytes)} />
    {text.length > largeBytes && <span class="quiet">The rest is not shown. Download the payload to see all of it.</span>}
  </pre>
)

const TreeView = ({ marked, root }: { readonly root: Tree.Node; readonly marked: ReadonlyArray<string> }) => {
  const toggled = useSignal<ReadonlySet<Tree.Node>>(new Set())
  const most = useSignal(nodesAtOnce)
  // The first levels are open, unless a list is long.
  const isOpen = (node: Tree.Node) =>
    node.children.length > 0 &&
    (node.level < 3 && node.children.length <= 50 || node.level === 0) !== toggled.value.has(node)
  const seen = useComputed(() => Tree.visible(root, isOpen, most.value))
  const toggle = (node: Tree.Node) => {
    const next = new Set(toggled.value)
    if (!next.delete(node)) next.add(node)
    toggled.value = next
  }
  return (
    <div class="code tree" role="group" aria-label="Payload as a tree">
      {seen.value.nodes.map((node) => (
        <TreeRow
          key={Tree.pathOf(node)}
          node={node}
          open={isOpen(node)}
          marked={marked.includes(Tree.pathOf(node))}
          toggle={() => toggle(node)}
        />
      ))}
      {seen.value.more && (
        <Btn onClick={() => (most.value += nodesAtOnce)}>Show {nodesAtOnce.toLocaleString("en-US")} more</Btn>
      )}
    </div>
  )
}

const TreeRow = (
  { marked, node, open, toggle }: {
    readonly node: Tree.Node
    readonly open: boolean
    readonly marked: boolean
    readonly toggle: () => void
  }
) => {
  const indent = { "--level": Math.min(node.level, 24) }
  const name = node.name === undefined ?
    undefined :
    (
      <span class={typeof node.name === "number" ? "tree-index" : "tree-name"}>
        <Shown text={String(node.name)} empty={`""`} />
        <span class="tree-colon">:</span>
      </span>
    )
  if (node.children.length > 0) {
    return (
      <button type="button" class="tree-row is-parent" style={indent} aria-expanded={open} onClick={toggle}>
        <span class="tree-arrow" aria-hidden="true">{open ? "▾" : "▸"}</span>
        {name}
        <span class="quiet">
          {node.kind === "array" ? `list of ${node.children.length}` : `${node.children.length} fields`}
        </span>
      </button>
    )
  }
  return (
    <div class={`tree-row${marked ? " is-marked" : ""}`} style={indent}>
      <span class="tree-arrow" />
      {name}
      <span class={`tree-${node.kind}`}>
        {node.kind === "string"
          ? (
            <>
              "<Shown text={Tree.stringOf(node.text)} empty="" />"
            </>
          )
          : node.kind === "object"
          ? "{ }"
          : node.kind === "array"
          ? "[ ]"
          : <Shown text={node.text} />}
      </span>
    </div>
  )
}
