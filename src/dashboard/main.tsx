/** Starts the dashboard: the session, the live stream, the shortcuts, and the page of the present place. */
import { render } from "preact"
import "uplot/dist/uPlot.min.css"
import "./styles/tokens.css"
import "./styles/base.css"
import "./styles/shell.css"
import "./styles/parts.css"
import "./styles/screens.css"
import { Frame } from "./Frame.tsx"
import { open } from "./shell/Session.tsx"
import * as Shortcuts from "./shell/Shortcuts.ts"

Shortcuts.start()
void open()
render(<Frame />, document.getElementById("app")!)
