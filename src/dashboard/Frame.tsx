/** Shows the form to sign in, or the frame with its page, its dialogs and its notices. */
import { useEffect } from "preact/hooks"
import * as Live from "./data/Live.ts"
import { RunsDrawer } from "./runs/RunsDrawer.tsx"
import { Screens } from "./Screens.tsx"
import { GoTo } from "./shell/GoTo.tsx"
import { Help } from "./shell/Help.tsx"
import { session, SignIn } from "./shell/Session.tsx"
import { Shell } from "./shell/Shell.tsx"
import { frameDialog } from "./shell/Shortcuts.ts"
import { Toasts } from "./shell/Toasts.tsx"

export const Frame = () => {
  switch (session.value) {
    case undefined:
      return null
    case "none":
      return <SignIn />
    default:
      return <SignedIn />
  }
}

const SignedIn = () => {
  useEffect(Live.start, [])
  return (
    <>
      <Shell>
        <Screens />
      </Shell>
      <RunsDrawer />
      {frameDialog.value === "goto" && <GoTo />}
      {frameDialog.value === "help" && <Help />}
      <Toasts />
    </>
  )
}
