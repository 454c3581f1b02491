/** Numbers, times and durations as the pages show them. Times are milliseconds since the epoch on the store's clock. */

/** Shows a duration by its largest unit, or two of them below a day: `340 ms`, `12 s`, `4 m 10 s`, `3 d`. */
export const duration = (millis: number): string => {
  if (millis < 1_000) return `${Math.max(0, Math.round(millis))} ms`
  const seconds = Math.round(millis / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes} m` : `${minutes} m ${seconds % 60} s`
  if (minutes < 60) return `${minutes} m`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} m`
  return `${Math.floor(hours / 24)} d`
}

/** Shows how long ago a time was: `now`, `26 m ago`. */
export const ago = (at: number, now: number): string => now - at < 2_000 ? "now" : `${duration(now - at)} ago`

/** Shows a rate a second: `0.4`, `12`, `1,204`. A dash if it is not known. */
export const rate = (perSecond: number | null | undefined): string =>
  perSecond === undefined || perSecond === null
    ? "–"
    : perSecond === 0
    ? "0"
    : perSecond < 10
    ? perSecond.toFixed(1)
    : Math.round(perSecond).toLocaleString("en-US")

/** Shows a whole number with its groups of digits. */
export const whole = (value: number): string => Math.round(value).toLocaleString("en-US")

/** Shows bytes: `812 B`, `1.2 kB`, `340 kB`. */
export const bytes = (size: number): string =>
  size < 1_000 ? `${size} B` : size < 1_000_000 ?
    `${(size / 1_000).toFixed(size < 10_000 ? 1 : 0)} kB`
    : `${(size / 1_000_000).toFixed(1)} MB`

/** Shows a number with the right form of its noun: `1 key`, `3 keys`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${whole(count)} ${count === 1 ? one : many}`

const two = (value: number): string => String(value).padStart(2, "0")

/** Shows the time of day in the zone of the browser, with the date if it is another day: `02:41:07`. */
export const clock = (at: number, now: number): string => {
  const date = new Date(at)
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return new Date(now).toDateString() === date.toDateString()
    ? time
    : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`
}
