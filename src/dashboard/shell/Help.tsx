/** The list of shortcuts, and the settings that this browser keeps. */
import { Modal } from "../dialogs/Modal.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { Shown } from "../text/ShownText.tsx"
import { leave, session } from "./Session.tsx"
import { frameDialog } from "./Shortcuts.ts"
import { singleKeys, type Theme, theme } from "./Theme.ts"

const keys: ReadonlyArray<readonly [keys: ReadonlyArray<string>, what: string]> = [
  [["Ctrl", "K"], "Go to a queue, key, message or run"],
  [["/"], "Search"],
  [["g", "o"], "Overview"],
  [["g", "f"], "Failures"],
  [["g", "k"], "Keys"],
  [["g", "q"], "Queues"],
  [["g", "w"], "Workers"],
  [["g", "a"], "Audit"],
  [["j"], "Next row"],
  [["k"], "Previous row"],
  [["Enter"], "Open the row"],
  [["x"], "Select the row"],
  [["r"], "Redrive, with a dialog"],
  [["e"], "Edit the payload"],
  [["d"], "Discard, with a dialog"],
  [["u"], "Undo the last action, while its notice is shown"],
  [["."], "Pause or resume live updates"],
  [["t"], "Next theme"],
  [["?"], "This list"]
]

export const Help = () => (
  <Modal title="Shortcuts and settings" onClose={() => (frameDialog.value = undefined)}>
    <section class="stack">
      <label class="switch">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => (singleKeys.value = event.currentTarget.checked)}
        />
        <span>
          Single keys are shortcuts
          <small>Switch them off if you use speech input, or if keys are pressed by accident. Ctrl+K stays.</small>
        </span>
      </label>
      {typeof session.value === "object" && (
        <div class="setting">
          <span>
            Signed in as <Shown text={session.value.name} />, {session.value.role}
          </span>
          <Btn
            onClick={() => {
              frameDialog.value = undefined
              void leave()
            }}
          >
            Sign out
          </Btn>
        </div>
      )}
      <div class="setting">
        <span>Theme</span>
        <Tabs
          label="Theme"
          tabs={[["system", "System"], ["light", "Light"], ["dark", "Dark"]]}
          value={theme.value}
          onChange={(value) => (theme.value = value as Theme)}
        />
      </div>
    </section>
    <dl class="key-list">
      {keys.map(([press, what]) => (
        <div key={what}>
          <dt>{press.map((each) => <kbd key={each}>{each}</kbd>)}</dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  </Modal>
)
