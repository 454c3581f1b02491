/** The trace of a message, with a link if the server has the address of a tracing system. The server has checked it. */
import type { Trace } from "../data/Facts.ts"

export const LinkedTrace = ({ of: { traceId, url } }: { readonly of: Trace }) => (
  <span class="mono">
    {url === undefined ? traceId : <a href={url} target="_blank" rel="noopener noreferrer">{traceId}</a>}
  </span>
)
