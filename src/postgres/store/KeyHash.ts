/**
 * Which lane a key belongs to. Computed here and not by the database: its hash functions may change with its version, and a
 * key that changed lanes while messages of it wait would lose its order.
 *
 * @since 0.1.0
 */

/** 31 bits, well spread also for keys that differ in their last character only (FNV-1a, then murmur's last mix). */
export const keyHash = (key: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) & 0x7fffffff
}
