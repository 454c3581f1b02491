/**
 * Decides whether a request was sent to a name of this server, and whether a page of another site sent it.
 *
 * A browser sends cookies with requests that another site makes. So a request that changes something needs the header
 * `Sec-Fetch-Site: same-origin`, or, in a browser that does not send it, an `Origin` that equals the Host. A page that
 * uses DNS rebinding is refused by the Host.
 */
import type { Headers } from "effect/http/Headers"

/** Returns the name of a Host header without its port. */
const nameOf = (host: string): string => host.replace(/:\d{1,5}$/, "")

/** Returns whether the Host is one of these names. A name without a port allows each port. */
export const hostAllowed = (host: string | undefined, hosts: ReadonlyArray<string>): boolean => {
  const given = host?.toLowerCase() ?? ""
  return given !== "" && (hosts.includes(given) || hosts.includes(nameOf(given)))
}

/** Returns whether the request may change something with the cookie of a browser. */
export const sameSite = (headers: Headers): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site === "same-origin"
  const host = headers["host"]?.toLowerCase()
  const origin = headers["origin"]?.toLowerCase()
  return host !== undefined && (origin === `https://${host}` || origin === `http://${host}`)
}

/** Returns whether requests of this method change nothing. */
export const isSafe = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS"

/**
 * Returns the name of the session's cookie. Browsers accept a cookie with the prefix `__Host-` only on https and on
 * localhost. The prefix keeps other hosts from setting the cookie.
 */
export const cookieName = (headers: Headers, secure: boolean): string =>
  isSecure(headers, secure) ? "__Host-millrace" : "millrace"

/** Returns whether the browser treats the page as secure. */
export const isSecure = (headers: Headers, secure: boolean): boolean =>
  secure || nameOf(headers["host"]?.toLowerCase() ?? "") === "localhost"
